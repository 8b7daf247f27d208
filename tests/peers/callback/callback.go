// Package callback verifies and parses an Open Platform callback, the way an ordinary Go service does.
package callback

import (
	"crypto/sha1"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
)

// Limit is the largest body that is read, in bytes.
const Limit = 256 << 10

// Success is what the platform wants to see.
const Success = `{"err_no":0,"err_tips":"success"}`

// Envelope is a callback. Content comes as an object, or as a string that holds one.
type Envelope struct {
	Event      string          `json:"event"`
	ClientKey  string          `json:"client_key"`
	FromUserID string          `json:"from_user_id"`
	ToUserID   string          `json:"to_user_id"`
	Content    json.RawMessage `json:"content"`
	LogID      string          `json:"log_id"`
}

// Message is the content of `im_receive_msg`.
type Message struct {
	ConversationShortID string `json:"conversation_short_id"`
	ServerMessageID     string `json:"server_message_id"`
	ConversationType    int    `json:"conversation_type"`
	CreateTime          int64  `json:"create_time"`
	MessageType         string `json:"message_type"`
	Source              string `json:"source"`
	SceneType           int    `json:"scene_type"`
	Text                string `json:"text"`
	UserInfos           []struct {
		OpenID   string `json:"open_id"`
		NickName string `json:"nick_name"`
		Avatar   string `json:"avatar"`
	} `json:"user_infos"`
}

// ErrMalformed tells that a body is genuine but not an envelope.
var ErrMalformed = errors.New("malformed envelope")

// Genuine compares the signature in constant time.
func Genuine(secret, signature, body []byte) bool {
	hash := sha1.New()
	hash.Write(secret)
	hash.Write(body)
	var expected [sha1.Size * 2]byte
	hex.Encode(expected[:], hash.Sum(nil))
	return subtle.ConstantTimeCompare(expected[:], signature) == 1
}

// Parse reads the envelope and its content.
func Parse(body []byte) (Envelope, Message, error) {
	var envelope Envelope
	var message Message
	if err := json.Unmarshal(body, &envelope); err != nil || envelope.Event == "" {
		return envelope, message, ErrMalformed
	}
	content := []byte(envelope.Content)
	if len(content) > 0 && content[0] == '"' {
		var text string
		if err := json.Unmarshal(content, &text); err != nil {
			return envelope, message, ErrMalformed
		}
		content = []byte(text)
	}
	if err := json.Unmarshal(content, &message); err != nil {
		return envelope, message, ErrMalformed
	}
	return envelope, message, nil
}

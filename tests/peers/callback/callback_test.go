package callback

import "testing"

// The vector of the platform's documented formula, sha1(client_secret ‖ raw body).
const (
	body      = `{"event":"verify_webhook","client_key":"abc","content":{"challenge":12345}}`
	signature = "ff779a3b9e9daa2d1484d22450cd02e9fcfc4e62"
)

func TestAcceptsTheDocumentedSignature(t *testing.T) {
	if !Genuine([]byte("test_secret"), []byte(signature), []byte(body)) {
		t.Fatal("genuine callback refused")
	}
}

func TestRefusesAnAlteredBody(t *testing.T) {
	if Genuine([]byte("test_secret"), []byte(signature), []byte(body+" ")) {
		t.Fatal("altered callback accepted")
	}
}

func TestParsesContentAsObjectAndAsString(t *testing.T) {
	for _, text := range []string{
		`{"event":"im_receive_msg","content":{"text":"hi"}}`,
		`{"event":"im_receive_msg","content":"{\"text\":\"hi\"}"}`,
	} {
		_, message, err := Parse([]byte(text))
		if err != nil || message.Text != "hi" {
			t.Fatalf("%s: %v %v", text, message, err)
		}
	}
}

func TestRefusesWhatIsNoEnvelope(t *testing.T) {
	for _, text := range []string{``, `[]`, `{}`, `{"event":"x","content":"{"}`} {
		if _, _, err := Parse([]byte(text)); err == nil {
			t.Fatalf("%q accepted", text)
		}
	}
}

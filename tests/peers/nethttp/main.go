// Command nethttp is the net/http peer of the HTTP benchmark.
package main

import (
	"flag"
	"io"
	"log"
	"net/http"

	"../callback"
)

func main() {
	address := flag.String("address", "127.0.0.1:0", "where to listen")
	secret := flag.String("secret", "", "client secret")
	flag.Parse()
	key := []byte(*secret)
	http.HandleFunc("/callbacks/", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, callback.Limit))
		if err != nil {
			http.Error(w, "body too large", http.StatusRequestEntityTooLarge)
			return
		}
		if !callback.Genuine(key, []byte(r.Header.Get("X-Douyin-Signature")), body) {
			http.Error(w, "signature", http.StatusUnauthorized)
			return
		}
		if _, _, err := callback.Parse(body); err != nil {
			http.Error(w, "malformed", http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, callback.Success)
	})
	log.Fatal(http.ListenAndServe(*address, nil))
}

// Command fasthttp is the fasthttp peer of the HTTP benchmark.
package main

import (
	"flag"
	"log"

	"../callback"
	"github.com/valyala/fasthttp"
)

func main() {
	address := flag.String("address", "127.0.0.1:0", "where to listen")
	secret := flag.String("secret", "", "client secret")
	flag.Parse()
	key := []byte(*secret)
	server := &fasthttp.Server{MaxRequestBodySize: callback.Limit, Handler: func(ctx *fasthttp.RequestCtx) {
		body := ctx.PostBody()
		if !callback.Genuine(key, ctx.Request.Header.Peek("X-Douyin-Signature"), body) {
			ctx.Error("signature", fasthttp.StatusUnauthorized)
			return
		}
		if _, _, err := callback.Parse(body); err != nil {
			ctx.Error("malformed", fasthttp.StatusBadRequest)
			return
		}
		ctx.SetContentType("application/json")
		ctx.SetBodyString(callback.Success)
	}}
	log.Fatal(server.ListenAndServe(*address))
}

"""Open-source clients behind one way of speaking: an empty line of JSON when ready; then a message's text in, what the client said of it out.

Each is used as its documentation shows. What differs is the address, which leads to the simulators: the hosts are class attributes or a
setting of the client."""

import json
import logging
import sys

logging.disable(logging.CRITICAL)


def wechatpy(base):
    from wechatpy.enterprise import WeChatClient

    class Client(WeChatClient):
        API_BASE_URL = base + "/cgi-bin/"

        # The one address that is written out in the library.
        def fetch_access_token(self):
            url, params = base + "/cgi-bin/gettoken", {"corpid": self.corp_id, "corpsecret": self.secret}
            return self._fetch_access_token(url=url, params=params)

    client = Client("ww1", "corp-secret", timeout=5)

    def send(text, _number):
        # It raises for every errcode but 0; what comes back otherwise is the answer.
        client.message.send_text(7, ["member0"], text)

    return send


def lark(base, idempotent):
    import lark_oapi
    from lark_oapi.api.im.v1 import CreateMessageRequest, CreateMessageRequestBody

    client = lark_oapi.Client.builder().app_id("cli_1").app_secret("app-secret").domain(base).timeout(5).build()

    def send(text, number):
        body = CreateMessageRequestBody.builder().receive_id("oc_0").msg_type("text")
        body = body.content(json.dumps({"text": text}))
        if idempotent:
            body = body.uuid(f"message-{number}")
        request = CreateMessageRequest.builder().receive_id_type("chat_id").request_body(body.build()).build()
        answer = client.im.v1.message.create(request)
        if not answer.success():
            raise RuntimeError(f"code {answer.code}")

    return send


def apprise(plugin, address):
    plugin.notify_url = address

    def send(text, _number):
        if plugin is WECOM_BOT:
            client = plugin(key="key-0")
        else:
            client = plugin(token="plain")
        # It waits between its calls by itself; here, simulated time does.
        client.request_rate_per_sec = 0
        if not client.notify(body=text):
            raise RuntimeError("returned False")

    return send


def client(name, base):
    global WECOM_BOT
    if name == "wechatpy":
        return wechatpy(base)
    if name in ("lark-oapi", "lark-oapi, uuid set"):
        return lark(base, name.endswith("set"))
    from apprise.plugins.feishu import NotifyFeishu
    from apprise.plugins.wecombot import NotifyWeComBot

    WECOM_BOT = NotifyWeComBot
    if name == "apprise, WeCom bot":
        return apprise(NotifyWeComBot, base + "/cgi-bin/webhook/send?key={key}")
    return apprise(NotifyFeishu, base + "/open-apis/bot/v2/hook/{token}")


def main():
    send = client(sys.argv[1], sys.argv[2])
    print("{}", flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            send(asked["text"], asked["number"])
            said = {"said": "sent"}
        except Exception as error:  # Whatever it raises is its word that the message was not sent.
            said = {"said": "failed", "why": f"{type(error).__name__}: {error}"[:200]}
        print(json.dumps(said), flush=True)


main()

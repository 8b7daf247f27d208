"""The same faults for each client, through the simulators: who lost a message, sent one twice, or said something else than what happened.

Clients do what they do; around them is what a caller does: a message that failed is sent again a minute later, three times in all. Sluice
decides by itself whether it sends again. Usage: conformance.py SIMULATORS SLUICE [--json]"""

import json
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path
from threading import Timer

TRIES = 3
APART_MS = 61_000
PATIENCE_S = 20
CLIENTS = Path(__file__).with_name("clients.py")

# What each is compared on: the platform, Sluice's channel by the place of it in its list, the client, and has it tokens?
PAIRS = [
    ("WeCom application", "wecom", 1, "wechatpy", True),
    ("Feishu application", "feishu", 0, "lark-oapi", True),
    ("Feishu application", "feishu", 0, "lark-oapi, uuid set", True),
    ("WeCom bot", "wecom", 5, "apprise, WeCom bot", False),
    ("Feishu bot", "feishu", 4, "apprise, Feishu bot", False),
]
KINDS = 8
CODES = {
    "wecom": {"throttled": (45009, 200), "busy": (-1, 200), "recipient": (81013, 200), "token": (40014, 200)},
    "feishu": {"throttled": (99991400, 429), "busy": (2200, 500), "recipient": (230034, 400), "token": (99991663, 400)},
}


def cases(platform, tokens):
    """Name, effect, how often; the messages are one but in the last case."""
    code = CODES[platform]
    effect = lambda name: {"kind": "code", "code": code[name][0], "status": code[name][1]}
    yield "nothing goes wrong", None, 0
    yield "connection lost before it was taken", {"kind": "reset_before_commit"}, 1
    yield "connection lost after it was taken", {"kind": "reset_after_commit"}, 1
    yield "taken, half an answer", {"kind": "truncate"}, 1
    yield "taken, the answer after 8 s", {"kind": "delay", "ms": 8_000}, 1
    yield "a page under status 200", {"kind": "html"}, 1
    yield "ten megabytes under status 200", {"kind": "large", "bytes": 10_000_000}, 1
    yield "a redirect", {"kind": "redirect"}, 1
    yield "status 503", {"kind": "status", "status": 503}, 1
    yield "refused as too many, once", effect("throttled"), 1
    yield "busy, once", effect("busy"), 1
    yield "the recipient does not exist", effect("recipient"), 99
    if tokens:
        yield "tokens revoked, once", {"kind": "revoke_tokens"}, 1
        yield "every token refused", effect("token"), 99_999


class Simulators:
    """The simulators' program, and its door for other processes."""

    def __init__(self, program, options):
        file = tempfile.NamedTemporaryFile("w", suffix=".json")
        file.write(options)
        file.flush()
        self.file = file
        self.process = subprocess.Popen([program, "--options", file.name], stdout=subprocess.PIPE, text=True)
        self.base = json.loads(self.process.stdout.readline())["wecom"]

    def door(self, path, body=None, method=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.base}/_simulator/{path}", data=data, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def advance(self, ms):
        self.door("clock", {"advance_ms": ms})

    def now(self):
        return self.door("state")["clock_ms"]

    def arrived(self, label):
        return sum(label in seen["text"] for seen in self.door("state")["seen"])

    def stop(self):
        self.process.terminate()
        self.process.wait()


class Client:
    """A client in a process of its own, which is ended when it does not come back."""

    def __init__(self, command):
        self.command, self.process = command, None

    def ask(self, question):
        if self.process is None:
            self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            # Imports take their time, and none of it is a message's.
            self.process.stdout.readline()
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        timer = Timer(PATIENCE_S, self.process.kill)
        timer.start()
        answer = self.process.stdout.readline()
        timer.cancel()
        if answer:
            return json.loads(answer)
        self.stop()
        return {"said": "never came back", "why": f"ended after {PATIENCE_S} s"}

    def stop(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


def label(number, who):
    """What a message calls itself, wherever it is seen. Sluice's is written by its own scene."""
    return f"{'P' if who == 'client' else 'N'}{number:06}"


def verdict(said, arrived):
    """What a person reads: the truth, beside what was said."""
    if arrived > 1:
        return f"sent {arrived} times"
    if said == "sent":
        return "ok" if arrived == 1 else "LOST: said sent"
    if said == "in doubt":
        return "in doubt, " + ("arrived" if arrived else "not arrived")
    if arrived:
        return f"{said}, but arrived"
    return said


def passes_by(effect, times):
    return effect is not None and times == 1


def peer(simulators, client, number):
    """A caller with a queue: what failed is sent again."""
    for tried in range(1, TRIES + 1):
        answer = client.ask({"text": f"编号：{label(number, 'client')}", "number": number})
        if answer["said"] == "sent":
            break
        simulators.advance(APART_MS)
    return answer, tried


def run(simulators_program, sluice_program):
    options = json.loads(subprocess.run([sluice_program, "--options"], check=True, capture_output=True, text=True).stdout)
    # Apprise does not sign.
    options["feishu_bots"].append({"hook": "plain"})
    rows, number = [], 0
    for channel, platform, kind, name, tokens in PAIRS:
        simulators = Simulators(simulators_program, json.dumps(options))
        python = Client([sys.executable, str(CLIENTS), name, simulators.base])
        sluice = Client([sluice_program, simulators.base])
        try:
            for case, effect, times in cases(platform, tokens):
                row = {"channel": channel, "case": case, "name": name}
                for who in ("client", "sluice"):
                    number += 1
                    simulators.door("faults", method="DELETE")
                    simulators.advance(APART_MS)
                    if who == "client" and effect is not None and effect["kind"] == "code":
                        python.stop()
                    if effect is not None:
                        fault = {"platform": platform, "effect": effect, "times": {"next": times}}
                        simulators.door("faults", fault)
                    if who == "client":
                        mine, (answer, tried) = number, peer(simulators, python, number)
                    else:
                        mine = number * KINDS + kind
                        answer = sluice.ask({"number": mine, "now_ms": simulators.now()})
                        tried = answer.get("tries", 0)
                    arrived = simulators.arrived(label(mine, who))
                    lost = passes_by(effect, times) and arrived == 0 and answer["said"] not in ("sent", "in doubt")
                    words = "failed at every try" if lost else verdict(answer["said"], arrived)
                    row[who] = {"verdict": words, "tries": tried, "arrived": arrived, **answer}
                rows.append(row)
            # A token that a client will not give up is not this case's.
            python.stop()
            rows.append(burst(simulators, python, sluice, channel, name, kind, number))
            number += 2 * BURST
        finally:
            python.stop()
            sluice.stop()
            simulators.stop()
    return rows


BURST = 40


def burst(simulators, python, sluice, channel, name, kind, number):
    """More messages to one address than the platform takes in a minute."""
    row = {"channel": channel, "case": f"{BURST} messages at once to one address", "name": name}
    for who in ("client", "sluice"):
        simulators.door("faults", method="DELETE")
        simulators.advance(3_700_000)
        sent = arrived = 0
        for _ in range(BURST):
            number += 1
            if who == "client":
                mine, (answer, _tried) = number, peer(simulators, python, number)
            else:
                mine = number * KINDS + kind
                answer = sluice.ask({"number": mine, "now_ms": simulators.now()})
            sent += answer["said"] == "sent"
            arrived += simulators.arrived(label(mine, who))
        lost = sent - arrived
        words = "ok" if sent == arrived == BURST else f"{sent} said sent, {arrived} arrived"
        row[who] = {"verdict": f"LOST {lost}: " + words if lost > 0 else words, "said": sent, "arrived": arrived}
    return row


def table(rows):
    groups = {}
    for row in rows:
        groups.setdefault((row["channel"], row["name"]), []).append(row)
    for (channel, name), group in groups.items():
        print(f"\n{channel}\n\n| what goes wrong | {name} | Sluice |\n|---|---|---|")
        for row in group:
            print(f"| {row['case']} | {cell(row['client'])} | {cell(row['sluice'])} |")


def cell(it):
    return it["verdict"] + (f" (try {it['tries']})" if it.get("tries", 1) > 1 else "")


def main():
    rows = run(sys.argv[1], sys.argv[2])
    if "--json" in sys.argv:
        print(json.dumps(rows, ensure_ascii=False, indent=1))
    else:
        table(rows)


main()

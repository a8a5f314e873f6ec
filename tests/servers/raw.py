"""A server without an SDK, of either era, over stdio or Streamable HTTP, whose every byte is known.

    raw.py stdio|http [--era legacy|modern] [--name NAME] [--pages] [--stubborn] [--report HOST:PORT]

With `--stubborn` it stays when its input ends and when it is sent SIGTERM.

With `http` it prints its URL on standard output. To `--report` it sends one line of JSON for each thing that happens to
it (`started`, `request`, `waiting`, `cancelled`, `released`, `ended`), and takes `release` lines that let all waiting
calls go on; that is how a test waits for what it wants to see.
"""

import argparse
import json
import os
import select
import signal
import socket
import sys
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import raw_text as text

MODERN, LEGACY = "2026-07-28", "2025-11-25"
LISTS = {
    "resources/list": text.RESOURCES,
    "resources/templates/list": text.TEMPLATES,
    "prompts/list": text.PROMPTS,
    "resources/read": text.CONTENTS,
}
SECOND_PAGE = "page-2 \u00e9"


class Reporter:
    """Tells the test what happens; without an address, nobody."""

    def __init__(self, address, name):
        self.released = os.eventfd(0)
        self.lock = threading.Lock()
        self.name = name
        self.file = None
        if address:
            host, port = address.rsplit(":", 1)
            connection = socket.create_connection((host, int(port)))
            self.file = connection.makefile("rw")
            threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        for line in self.file:
            if line.strip() == "release":
                os.eventfd_write(self.released, 1)

    def say(self, event, **facts):
        if self.file:
            with self.lock:
                self.file.write(json.dumps({"event": event, "name": self.name, "pid": os.getpid(), **facts}) + "\n")
                self.file.flush()


class Exchange:
    """One request and where its answer goes. `send` takes the text of one JSON-RPC message."""

    def __init__(self, server, message, raw, modern, send, gone, headers=None):
        self.server, self.message, self.raw, self.modern = server, message, raw, modern
        self.send, self.gone, self.headers = send, gone, headers or {}
        self.params = message.get("params") or {}

    def result(self, fields, cached=False):
        if self.modern:
            fields = '"resultType":"complete",' + ('"ttlMs":0,"cacheScope":"private",' if cached else "") + fields
            fields = fields.rstrip(",")
        self.send('{"jsonrpc":"2.0","id":%s,"result":{%s}}' % (json.dumps(self.message["id"]), fields))

    def error(self, error):
        self.send('{"jsonrpc":"2.0","id":%s,"error":%s}' % (json.dumps(self.message["id"]), error))

    def notify(self, method, params):
        self.send('{"jsonrpc":"2.0","method":"%s","params":%s}' % (method, params))

    def answer(self):
        method = self.message["method"]
        if method in ("initialize", "server/discover"):
            self.introduce(method)
        elif method in ("ping", "logging/setLevel"):
            self.result("")
        elif method == "tools/list":
            self.list_tools()
        elif method in LISTS:
            self.result(LISTS[method], cached=True)
        elif method == "prompts/get":
            self.result(text.MESSAGES)
        elif method == "completion/complete":
            self.result(text.COMPLETION)
        elif method == "tools/call":
            self.call(self.params.get("name"), self.params.get("arguments") or {})
        else:
            self.error('{"code":-32601,"message":"Method not found"}')

    def introduce(self, method):
        info = '"name":"%s","version":"1.0","x-build":1.0' % self.server.name
        if (method == "server/discover") != self.modern:
            self.error('{"code":-32601,"message":"Method not found"}')
        elif self.modern:
            self.result(
                '"supportedVersions":["%s"],"capabilities":%s,"instructions":"Be raw.","x-unknown":1.0,'
                '"_meta":{"io.modelcontextprotocol/serverInfo":{%s}}' % (MODERN, text.CAPABILITIES, info),
                cached=True,
            )
        else:
            self.result(
                '"protocolVersion":"%s","capabilities":%s,"serverInfo":{%s},"instructions":"Be raw.","x-unknown":1.0'
                % (LEGACY, text.CAPABILITIES, info)
            )

    def list_tools(self):
        tools, more = text.TOOLS, ""
        if self.server.pages:
            second = self.params.get("cursor") == SECOND_PAGE
            tools, more = (tools[5:], "") if second else (tools[:5], ',"nextCursor":%s' % json.dumps(SECOND_PAGE))
        self.result('"tools":[%s]%s,"x-unknown":[1.0,1e2],"_meta":{"example.com/page":1.0}' % (",".join(tools), more), True)

    def call(self, tool, arguments):
        if tool == "odd":
            self.result(text.ODD_RESULT)
        elif tool in ("plain", "strict"):
            self.result(text.PLAIN_RESULT)
        elif tool == "seen":
            seen = json.dumps({"message": self.raw, "headers": self.headers})
            self.result('"content":[{"type":"text","text":%s}]' % json.dumps(seen))
        elif tool == "fail":
            self.error(text.ERROR)
        elif tool == "broken":
            self.result(text.TOOL_ERROR)
        elif tool == "steps":
            self.steps()
        elif tool == "secret":
            self.secret(arguments.get("as"))
        elif tool == "die":
            self.server.reporter.say("dying")
            os._exit(3)
        elif tool in ("wait", "wait-quietly"):
            self.wait()
        else:
            self.error('{"code":-32602,"message":"Unknown tool"}')

    def steps(self):
        token = (self.params.get("_meta") or {}).get("progressToken")
        for number in (1, 2, 3):
            if token is not None:
                self.notify(
                    "notifications/progress",
                    '{"progressToken":%s,"progress":%d.0,"total":3e0,"message":"caf\\u00e9 %d","x-unknown":1.0}'
                    % (json.dumps(token), number, number),
                )
        self.notify("notifications/message", '{"level":"error","logger":"raw","data":{"n":1.0,"x":"\\u0041"},"x-unknown":1e0}')
        self.result(text.PLAIN_RESULT)

    def secret(self, form):
        if form == "error":
            self.error(text.SECRET_ERROR)
            return
        if form == "log":
            self.notify("notifications/message", text.SECRET_LOG)
        self.result(text.SECRET_RESULT)

    def wait(self):
        reporter = self.server.reporter
        reporter.say("waiting", id=self.message["id"])
        ready, _, _ = select.select([self.gone, reporter.released], [], [])
        if self.gone in ready:
            reporter.say("cancelled", id=self.message["id"])
            return
        reporter.say("released", id=self.message["id"])
        self.result(text.PLAIN_RESULT)


class Server:
    def __init__(self, options):
        self.name, self.pages, self.era = options.name, options.pages, options.era
        self.reporter = Reporter(options.report, options.name)
        self.waiting = {}

    def note(self, message):
        facts = {"method": message.get("method"), "target": (message.get("params") or {}).get("name")}
        self.reporter.say("request" if "id" in message else "notification", **facts)


def serve_stdio(server):
    output = threading.Lock()

    def send(line):
        with output:
            sys.stdout.buffer.write(line.encode() + b"\n")
            sys.stdout.buffer.flush()

    for raw in sys.stdin.buffer:
        message = json.loads(raw)
        server.note(message)
        if message.get("method") == "notifications/cancelled":
            gone = server.waiting.get(json.dumps(message["params"]["requestId"]))
            if gone is not None:
                os.eventfd_write(gone, 1)
        elif "id" in message and "method" in message:
            gone = os.eventfd(0)
            server.waiting[json.dumps(message["id"])] = gone
            exchange = Exchange(server, message, raw.decode().strip(), server.era == "modern", send, gone)
            threading.Thread(target=exchange.answer, daemon=True).start()
    server.reporter.say("ended")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "raw"
    sessions = set()
    core = None

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.plain(405, "")

    def do_DELETE(self):
        self.sessions.discard(self.headers.get("mcp-session-id"))
        self.core.reporter.say("session-deleted")
        self.plain(200, "")

    def do_POST(self):
        raw = self.rfile.read(int(self.headers["content-length"])).decode()
        message = json.loads(raw)
        modern = self.core.era == "modern"
        session = self.headers.get("mcp-session-id")
        if modern != (self.headers.get("mcp-protocol-version") == MODERN):
            self.wrong_era(message)
        elif not modern and message.get("method") != "initialize" and session not in self.sessions:
            self.plain(404 if session else 400, "")
        else:
            self.core.note(message)
            self.take(message, raw, modern)

    def wrong_era(self, message):
        code, cause = (-32022, "Unsupported protocol version") if self.core.era == "modern" else (-32000, "Bad Request")
        error = {"code": code, "message": cause, "data": {"supported": [MODERN]}}
        self.plain(400, json.dumps({"jsonrpc": "2.0", "id": message.get("id"), "error": error}))

    def take(self, message, raw, modern):
        if "id" not in message or "method" not in message:
            self.plain(202, "")
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        name = (message.get("params") or {}).get("name")
        streams = message["method"] == "tools/call" and name in ("steps", "secret", "wait")
        if streams:
            self.begin_stream()
        send = self.event if streams else lambda body: self.plain(200, body, message["method"] == "initialize")
        Exchange(self.core, message, raw, modern, send, self.connection, headers).answer()
        if streams:
            self.chunk("")

    def plain(self, status, body, mint=False):
        data = body.encode()
        self.send_response(status)
        self.send_header("content-length", str(len(data)))
        if data:
            self.send_header("content-type", "application/json")
        if mint and self.core.era == "legacy":
            session = uuid.uuid4().hex
            self.sessions.add(session)
            self.send_header("mcp-session-id", session)
        self.end_headers()
        self.wfile.write(data)

    def begin_stream(self):
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()

    def event(self, body):
        self.chunk("event: message\ndata: %s\n\n" % body)

    def chunk(self, body):
        data = body.encode()
        try:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
            self.wfile.flush()
        except OSError:
            self.close_connection = True


def serve_http(server):
    Handler.core = server
    listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listener.daemon_threads = True
    print("http://127.0.0.1:%d/mcp" % listener.server_address[1], flush=True)
    listener.serve_forever()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("transport", choices=["stdio", "http"])
    parser.add_argument("--era", choices=["legacy", "modern"], default="legacy")
    parser.add_argument("--name", default="raw")
    parser.add_argument("--pages", action="store_true")
    parser.add_argument("--stubborn", action="store_true")
    parser.add_argument("--report")
    options = parser.parse_args()
    if options.stubborn:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    server = Server(options)
    server.reporter.say("started")
    (serve_stdio if options.transport == "stdio" else serve_http)(server)
    if options.stubborn:
        select.select([server.reporter.released], [], [])


if __name__ == "__main__":
    main()

"""HTTP/1.1 as bytes, with the moments at which they came: requests of clients, and the link to the upstream."""

import os
import select
import socket
import struct
import time
from http import HTTPStatus
from urllib.parse import unquote

CHUNK = 1 << 16
HOP = {"connection", "keep-alive", "proxy-connection", "transfer-encoding", "expect", "te", "content-length"}
GRACE_S = 10.0  # how long an answer is awaited whose client has gone
PATIENCE_S = 150.0  # how long an answer is awaited at all


class Gone(Exception):
    """The other side closed, or what it sent is no HTTP."""


def moment():
    """Returns this moment: monotonic and wall time, in nanoseconds."""
    return time.monotonic_ns(), time.time_ns()


def _head(raw):
    lines = raw.decode("latin-1").split("\r\n")
    pairs = []
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if colon:
            pairs.append((name, value.strip()))
    return lines[0], pairs, {name.lower(): value for name, value in reversed(pairs)}


class Stream:
    """A socket with a buffer, from which messages are read."""

    def __init__(self, sock):
        self.sock, self.buffer = sock, bytearray()
        self.first = None  # when the first byte of the message came
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def more(self):
        try:
            data = self.sock.recv(CHUNK)
        except OSError as error:
            raise Gone(str(error)) from None
        if not data:
            raise Gone("closed")
        self.buffer += data

    def head(self):
        """Returns the head of the next message, without the empty line."""
        if not self.buffer:
            self.first = None
            self.more()
        self.first = moment()
        while True:
            at = self.buffer.find(b"\r\n\r\n")
            if at >= 0:
                return self.take(at + 4)[:-4]
            self.more()

    def take(self, size):
        while len(self.buffer) < size:
            self.more()
        out = bytes(self.buffer[:size])
        del self.buffer[:size]
        return out

    def line(self):
        while (at := self.buffer.find(b"\r\n")) < 0:
            self.more()
        return self.take(at + 2)[:-2]

    def chunked(self):
        parts = []
        while True:
            size = int(self.line().partition(b";")[0] or b"0", 16)
            if size == 0:
                while self.line():
                    pass
                return b"".join(parts)
            parts.append(self.take(size))
            self.take(2)

    def rest(self):
        """Returns everything until the other side closes."""
        try:
            while True:
                self.more()
        except Gone:
            return self.take(len(self.buffer))


class Request:
    """One request of a client; `half` if the client went before it was whole."""

    __slots__ = ("method", "target", "pairs", "fields", "body", "first", "received", "half", "size", "closes")

    def environ(self):
        """Returns it as operations.identify wants it."""
        target = self.target
        if target.startswith("http://"):
            target = "/" + target[7:].partition("/")[2]
        path, _, query = target.partition("?")
        out = {"HTTP_" + name.upper().replace("-", "_"): value for name, value in self.fields.items()}
        out.update(REQUEST_METHOD=self.method, RAW_URI=target, PATH_INFO=unquote(path), QUERY_STRING=query)
        out["CONTENT_TYPE"] = self.fields.get("content-type", "")
        return out

    def forward(self):
        """Returns the bytes to send on: the same, without what belongs to the connection."""
        return request_bytes(self.method, self.target, self.pairs, self.body)


def request_bytes(method, target, pairs, body=b""):
    """Writes a request."""
    lines = [f"{method} {target} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in pairs if name.lower() not in HOP]
    if body or method in ("POST", "PUT", "PATCH"):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def read_request(stream):
    """Returns the next request of a client, or None if it went between requests."""
    request = Request()
    request.method = request.target = ""
    request.pairs, request.fields, request.body = [], {}, b""
    request.half, request.closes = False, False
    try:
        raw = stream.head()
        line, request.pairs, request.fields = _head(raw)
        request.method, request.target, version = line.split(" ", 2)
        request.closes = version == "HTTP/1.0" or request.fields.get("connection", "").lower() == "close"
        if request.fields.get("expect", "").lower() == "100-continue":
            stream.sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        if "chunked" in request.fields.get("transfer-encoding", "").lower():
            request.body = stream.chunked()
        else:
            request.body = stream.take(int(request.fields.get("content-length") or 0))
        request.size = len(raw) + 4 + len(request.body)
    except (Gone, OSError, ValueError):
        if stream.first is None:
            return None
        request.half = True
        if not request.method:  # as much as can be said of a head that never ended
            words = bytes(stream.buffer).partition(b"\r\n")[0].decode("latin-1").split(" ")
            request.method, request.target = words[0], words[1] if len(words) > 1 else ""
        request.body = bytes(stream.buffer)
        request.size = len(request.body)
    request.first, request.received = stream.first, moment()
    return request


class Answer:
    """What the upstream said; `partial` if it broke off in the middle of the body."""

    __slots__ = ("status", "headers", "body", "partial", "cut")

    def __init__(self, status, headers, body, partial=False):
        self.status, self.headers, self.body, self.partial, self.cut = status, headers, body, partial, None

    def field(self, name):
        return next((value for key, value in self.headers if key.lower() == name), None)


class Link:
    """One connection to the upstream, made when it is needed and kept."""

    def __init__(self, address):
        self.address, self.stream = address, None

    def close(self):
        if self.stream is not None:
            self.stream.sock.close()
            self.stream = None

    def _fresh(self):
        """Makes the connection, anew where the upstream closed an idle one. What was sent is never sent again."""
        if self.stream is not None and select.select([self.stream.sock], [], [], 0)[0]:
            self.close()
        if self.stream is None:
            sock = socket.create_connection(self.address, 5)
            sock.settimeout(PATIENCE_S)
            self.stream = Stream(sock)
        return self.stream

    def exchange(self, data, method, client=None):
        """Sends a request and returns the Answer; None if the upstream reset or fell silent. Raises OSError if it is not
        there. An answer is awaited although the client goes: what the upstream did counts."""
        stream = self._fresh()
        try:
            stream.sock.sendall(data)
            self._wait(stream, client)
            return self._answer(stream, method)
        except (Gone, OSError, ValueError):
            self.close()
            return None

    def _wait(self, stream, client):
        end, watched = time.monotonic() + PATIENCE_S, client
        poll = select.poll()
        poll.register(stream.sock, select.POLLIN)
        if watched is not None:
            poll.register(watched, select.POLLIN)
        while True:
            left = end - time.monotonic()
            if left <= 0:
                raise Gone("silent")
            ready = {number for number, _ in poll.poll(left * 1000)}
            if stream.sock.fileno() in ready:
                return
            if ready and watched is not None:
                if gone(watched):
                    end = min(end, time.monotonic() + GRACE_S)
                poll.unregister(watched)
                watched = None

    def _answer(self, stream, method):
        while True:
            line, pairs, fields = _head(stream.head())
            status = int(line.split(" ", 2)[1])
            if status >= 200:
                break
        closes, partial, body = fields.get("connection", "").lower() == "close", False, b""
        if method != "HEAD" and status not in (204, 304):
            try:
                if "chunked" in fields.get("transfer-encoding", "").lower():
                    body = stream.chunked()
                elif "content-length" in fields:
                    body = stream.take(int(fields["content-length"]))
                else:
                    body, closes = stream.rest(), True
            except Gone:
                body, partial, closes = stream.take(len(stream.buffer)), True, True
        if closes:
            self.close()
        return Answer(status, pairs, body, partial)


def gone(sock):
    """Says whether the client of a readable connection has gone."""
    try:
        return sock.recv(1, socket.MSG_PEEK) == b""
    except OSError:
        return True


def wait_gone(sock):
    """Keeps still until the client goes."""
    try:
        while not (select.select([sock], [], [], 0.25)[0] and gone(sock)):
            if sock.fileno() < 0:
                return
            time.sleep(0.02)
    except (OSError, ValueError):
        pass


def reset(sock):
    """Closes with RST instead of FIN."""
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(sock.detach())
    except OSError:
        pass


def reply_bytes(status, headers, body, method, cut=False, closes=False):
    """Writes a reply; `cut` names the whole length, sends half and is followed by the end."""
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Unknown"
    lines, length = [f"HTTP/1.1 {status} {phrase}"], len(body) + (cut == "partial")
    for name, value in headers:
        low = name.lower()
        if low == "content-length" and (method == "HEAD" or cut == "partial"):
            length = value
        if low not in HOP:
            lines.append(f"{name}: {value}")
    if status not in (204, 304):
        lines.append(f"Content-Length: {length}")
    if cut or closes:
        lines.append("Connection: close")
    if method == "HEAD":
        body = b""
    elif cut == "truncate":
        body = body[: len(body) // 2]
    return "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n" + body

"""Serves the repositories of a folder over HTTP by `git http-backend`, on a free port of loopback, which it prints.

`--login USER:PASSWORD` asks for a login. `--old` speaks the protocol as it was before version 2, in which a server hands
out a commit by its id only where it is told to.
"""

import argparse
import base64
import http.server
import os
import subprocess


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"

    def serve(self):
        wanted = options.login and "Basic " + base64.b64encode(options.login.encode()).decode()
        if wanted and self.headers.get("Authorization") != wanted:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.end_headers()
            return
        path, _, query = self.path.partition("?")
        environment = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": options.root,
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_NOSYSTEM": "1",
            "REQUEST_METHOD": self.command,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "REMOTE_ADDR": "127.0.0.1",
        }
        if not options.old and self.headers.get("Git-Protocol"):
            environment["GIT_PROTOCOL"] = self.headers["Git-Protocol"]
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        environment["CONTENT_LENGTH"] = str(len(body))
        ran = subprocess.run(["git", "http-backend"], input=body, env=environment, stdout=subprocess.PIPE, check=False)
        head, _, answer = ran.stdout.partition(b"\r\n\r\n")
        status, headers = 200, []
        for line in head.decode().splitlines():
            name, _, value = line.partition(": ")
            if name.lower() == "status":
                status = int(value.split()[0])
            else:
                headers.append((name, value))
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer)

    do_GET = serve
    do_POST = serve

    def log_message(self, *_):
        pass


parser = argparse.ArgumentParser()
parser.add_argument("root")
parser.add_argument("--login")
parser.add_argument("--old", action="store_true")
options = parser.parse_args()
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()

"""
A file server for benchmarks on a machine with few cores: sendfile, one thread per connection, no work in user space.
Each connection is held to a rate, and each answer begins late, as behind a proxy that is far away. The rate and the
delay are in the server itself, because a proxy in front of it would copy every byte twice more on the same cores.

    python3 paced-server.py FOLDER BYTES_PER_SECOND DELAY_SECONDS

Prints its port; ends when its standard input does. GET and HEAD, whole files and single ranges, over HTTP/1.1.
"""
import os
import re
import socket
import sys
import threading
import time

PIECE_BYTES = 256 * 1024


def answer(connection, request, folder, rate, delay):
    line, _, rest = request.partition("\r\n")
    method, path, _ = line.split(" ")
    path = os.path.join(folder, os.path.basename(path.split("?")[0]))
    time.sleep(delay)
    try:
        file = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        connection.sendall(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")
        return
    try:
        size = os.fstat(file).st_size
        asked = re.search(r"^range: *bytes=(\d+)-(\d*)\r?$", rest, re.I | re.M)
        begin = int(asked[1]) if asked else 0
        end = min(int(asked[2]) + 1, size) if asked and asked[2] else size
        status = "206 Partial Content" if asked else "200 OK"
        head = f"HTTP/1.1 {status}\r\naccept-ranges: bytes\r\ncontent-length: {end - begin}\r\netag: \"{os.path.basename(path)}\"\r\n"
        if asked:
            head += f"content-range: bytes {begin}-{end - 1}/{size}\r\n"
        connection.sendall((head + "\r\n").encode(), socket.MSG_MORE if method == "GET" else 0)
        if method == "HEAD":
            return
        started = time.monotonic()
        at = begin
        while at < end:
            at += os.sendfile(connection.fileno(), file, at, min(PIECE_BYTES, end - at))
            ahead = (at - begin) / rate - (time.monotonic() - started)
            if ahead > 0:
                time.sleep(ahead)
    finally:
        os.close(file)


def serve(connection, folder, rate, delay):
    received = b""
    try:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        time.sleep(delay)
        while True:
            while b"\r\n\r\n" not in received:
                more = connection.recv(65536)
                if not more:
                    return
                received += more
            request, received = received.split(b"\r\n\r\n", 1)
            answer(connection, request.decode("latin-1") + "\r\n", folder, rate, delay)
    except OSError:
        pass
    finally:
        connection.close()


def main():
    folder, rate, delay = sys.argv[1], float(sys.argv[2]), float(sys.argv[3])
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    print(listener.getsockname()[1], flush=True)

    def accept():
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=serve, args=(connection, folder, rate, delay), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    sys.stdin.read()


main()

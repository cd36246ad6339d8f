"""What a hub may do wrong: each fault answers a request instead of the hub."""

import gzip
import time
from collections.abc import Iterator

from tests.support.loopback_hub import CHUNK, Answer, Fault, spoilt

ENDLESS = 64 * 2**20  # bytes at which even what is endless ends, should nobody hang up


def silent(answer: Answer) -> None:
    answer.server.over.wait()
    answer.close_connection = True


def hesitant(answer: Answer) -> None:
    """Send a header that never ends, a byte now and then."""
    answer.wfile.write(b"HTTP/1.1 200 OK\r\n")
    while not answer.server.over.wait(0.3):
        answer.wfile.write(b"X")


def a_byte_a_second(body: bytes) -> Iterator[bytes]:
    for byte in body:
        yield bytes([byte])
        time.sleep(1)


def stalled(answer: Answer) -> None:
    def half(body: bytes) -> Iterator[bytes]:
        yield body[: len(body) // 2]
        answer.server.over.wait()

    spoilt(half)(answer)


def with_headers(**headers: str) -> Fault:
    """Answer as ever, but for some headers."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    def fault(answer: Answer) -> None:
        plain = answer.reply
        answer.reply = lambda body, number, own=None: plain(body, number, (own or {}) | named)
        answer.route()

    return fault


def endless(answer: Answer) -> None:
    """Send the right headers, and then chunks without end."""
    if answer.command == "HEAD":
        return answer.route()
    answer.send_response(200)
    answer.send_header("Transfer-Encoding", "chunked")
    answer.end_headers()
    while answer.asked.sent < ENDLESS:
        answer.wfile.write(b"%x\r\n%s\r\n" % (CHUNK, bytes(CHUNK)))
        answer.asked.sent += CHUNK
    return None


def bomb(answer: Answer) -> None:
    answer.reply(gzip.compress(bytes(ENDLESS)), 200, {"Content-Encoding": "gzip"})


def page(content: bytes) -> Fault:
    return lambda answer: answer.reply(content, 200)


def flipped(body: bytes) -> list[bytes]:
    return [body[:99] + bytes([body[99] ^ 1]) + body[100:]]


def once(fault: Fault) -> Fault:
    """Go wrong at the first request; answer the others as ever."""
    faults = [fault]
    return lambda answer: faults.pop()(answer) if faults else answer.route()

"""gunicorn's threaded worker, whose threads never wait for a client.

gunicorn's own reads a request in the thread that answers it: slow clients, as many as threads, hold
up everybody. Here the loop takes in all requests and sends what slow clients leave of their
answers; a thread gets a whole request. Who waits costs a file descriptor and what it has sent.
"""

import errno
import selectors
import socket
import time
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from typing import Any, ClassVar

from gunicorn import http
from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, ThreadWorker

from Dashboard.web import deadline, refusals
from Dashboard.web.arriving import Body, Pace, Patience, Pieces
from Dashboard.web.connections import Connection, Readable, admitted, crowded, least_busy
from Dashboard.web.proxy import Network, is_among

READ_BYTES = 256 * 1024
MOST_BODIES = 12  # held at the same time, in the longest that there may be
# Of answers that clients have not taken yet.
MOST_SENDING_BYTES = 128 * 2**20
# Of the threads, the part that one address may hold.
SHARE_OF_THREADS = 0.75


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """See the module. What stands here is set by `gunicorn.conf.py`.

    most_body_bytes: longest body that is waited for; the application refuses longer ones.
    most_at: the same of paths that end so.
    trusted: proxies, which many clients come by.
    """

    patience: ClassVar[Patience] = Patience()
    most_body_bytes: ClassVar[int] = 20 * 2**20
    most_at: ClassVar[Mapping[str, int]] = {}
    trusted: ClassVar[Sequence[Network]] = ()

    def init_process(self) -> None:
        """After the fork; the last thing that gunicorn's does is to call `run`."""
        self.prepare()
        super().init_process()

    def prepare(self) -> None:
        """Begin with no connection."""
        self.alive: bool
        self.open: set[Connection] = set()
        self.whole: deque[Connection] = deque()
        self.working: Counter[str] = Counter()
        self.freed = False

    @classmethod
    def check_config(cls, cfg: Any, log: Any) -> None:
        """Refuse what only gunicorn's own worker can do."""
        super().check_config(cfg, log)
        if cfg.is_ssl:
            raise SystemExit("Dashboard: encryption is for a proxy: this server speaks HTTP alone")

    def run(self) -> None:
        """Until told to end; then give what is being worked on its time."""
        self.poller.register(
            self.method_queue.fileno(), selectors.EVENT_READ, self.method_queue.run_callbacks
        )
        looked, tick = 0.0, min(1.0, self.patience.first / 4)
        stop: float | None = None
        while stop is None or (self.open and time.monotonic() < stop):
            self.notify()
            self.set_accept_enabled(stop is None and self._has_place())
            self.wait_for_and_dispatch_events(timeout=tick if stop is None else 0.2)
            if self.freed:
                self._let_in()
            now = time.monotonic()
            if now - looked >= tick:
                looked = now
                self._give_up_the_late(now)
            stays = self.alive and self.is_parent_alive() and not deadline.missed()
            if stop is None and not stays:
                self.alive = False
                stop = now + self.cfg.graceful_timeout
                for one in [one for one in self.open if one.state in ("head", "room", "lingering")]:
                    # A client may be sending its next request already.
                    one.until = min(one.until, now + STOP_KEEPALIVE_LINGER)
        waiting = [one.wire for one in self.open if one.state == "thread"]
        deadline.leave(waiting, refusals.answer(*refusals.STUCK))
        for one in list(self.open):
            self._close(one)
        self.tpool.shutdown(wait=False)
        self.poller.close()
        self.method_queue.close()
        for listener in self.sockets:
            listener.close()

    # Connections come and go.

    def accept(self, listener: socket.socket) -> None:
        """Take a new connection, in place of the slowest where there are too many."""
        try:
            wire, client = listener.accept()
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE) and self.open:
                self._close(least_busy(self.open))
            elif error.errno not in (errno.EAGAIN, errno.EWOULDBLOCK, errno.ECONNABORTED):
                raise
            return
        wire.setblocking(False)
        conn = Connection(wire, client, listener.getsockname(), self.patience)
        conn.shared = not conn.address or is_among(conn.address, self.trusted)
        crowd = crowded(self.open, conn, self.worker_connections)
        if crowd:
            self._close(least_busy(crowd))
        self.open.add(conn)
        self._watch(conn, selectors.EVENT_READ, self._arrive)

    def _has_place(self) -> bool:
        if len(self.open) < self.worker_connections:
            return True
        return any(one.state != "thread" for one in self.open)

    def _watch(self, conn: Connection, event: int, call: Any) -> None:
        self._ignore(conn)
        self.poller.register(conn.wire, event, partial(self._guarded, call, conn))

    def _ignore(self, conn: Connection) -> None:
        with suppress(KeyError, ValueError, OSError):
            self.poller.unregister(conn.wire)

    def _guarded(self, call: Any, conn: Connection, _wire: Any) -> None:
        if conn not in self.open:  # closed by an event of the same turn
            return
        try:
            call(conn)
        except BlockingIOError:
            return
        except OSError:  # the client is gone
            self._close(conn)
        except Exception:  # the others' connections go on
            self.log.exception("a connection failed")
            self._close(conn)

    def _close(self, conn: Connection | None) -> None:
        if conn is None:
            return
        self._ignore(conn)
        self.open.discard(conn)
        with suppress(ValueError):
            self.whole.remove(conn)
        with suppress(OSError):
            conn.wire.close()
        self.freed = True

    # A request arrives.

    def _arrive(self, conn: Connection) -> None:
        data = conn.wire.recv(READ_BYTES)
        if data:
            self._take(conn, data)
        elif conn.body is not None:
            self._refuse(conn, refusals.CUT_OFF)
        else:
            self._close(conn)

    def _take(self, conn: Connection, data: bytes) -> None:
        now = time.monotonic()
        if conn.body is not None:
            conn.pieces.add(data)
            conn.body.feed(data)
            if conn.pace is not None:
                conn.pace.moved(len(data))
            held = sum(one.size for one in self.open)
            if held > MOST_BODIES * self.most_body_bytes:
                self._refuse(conn, refusals.BUSY)
                return
        else:
            if not conn.head.data:
                conn.since, conn.until = now, now + self.patience.first
            if not conn.head.feed(data):
                if len(conn.head.data) > self.patience.head_bytes:
                    self._refuse(conn, refusals.refusal(http.errors.LimitRequestHeaders("")))
                return
            if not self._read_head(conn, now):
                return
        self._go_on(conn)

    def _read_head(self, conn: Connection, now: float) -> bool:
        """Have gunicorn's parser read a head that is whole; False where it refuses."""
        conn.pieces = Pieces(bytes(conn.head.data))
        try:
            conn.parser = http.get_parser(self.cfg, conn.pieces, conn.client)
            conn.request = next(conn.parser)
        except (http.errors.ParseException, http.errors.NoMoreData, StopIteration) as error:
            self.log.warning("a malformed request was refused (%s)", type(error).__name__)
            self._refuse(conn, refusals.refusal(error) or refusals.MALFORMED)
            return False
        conn.since = now
        most = self.most_at.get(conn.request.path.rpartition("/")[2], self.most_body_bytes)
        conn.body = Body(conn.request.body.reader, most)
        conn.body.feed(conn.parser.unreader.buf.getvalue())
        return True

    def _go_on(self, conn: Connection) -> None:
        """With a request whose head is read: to a thread, or on with its body."""
        body = conn.body
        assert body is not None
        if body.whole or body.hopeless:
            conn.close_after = not body.whole
            # Where the body is not wanted, the answer itself is the one to the expectation.
            conn.request._expected_100_continue = False
            self._ignore(conn)
            conn.state = "thread"
            self.whole.append(conn)
            self._hand_over()
        elif conn.state == "head":
            conn.state = "room"
            conn.until = time.monotonic() + self.patience.room
            self._ignore(conn)
            self.freed = True

    def _let_in(self) -> None:
        """Read the bodies for which there is memory."""
        self.freed = False
        for conn in admitted(self.open, self.most_body_bytes):
            self._guarded(self._read_body, conn, None)

    def _read_body(self, conn: Connection) -> None:
        now = time.monotonic()
        conn.state, conn.since, conn.pace = "body", now, Pace(now, self.patience)
        if conn.request._expected_100_continue:
            conn.request._expected_100_continue = False
            conn.sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        self._watch(conn, selectors.EVENT_READ, self._arrive)

    # A request is answered.

    def _hand_over(self) -> None:
        """Give requests to threads that are free, with some left for other addresses."""
        for conn in list(self.whole):
            if sum(self.working.values()) >= self.cfg.threads:
                return
            most = SHARE_OF_THREADS * self.cfg.threads
            if self.working[conn.address] >= most and not conn.shared:
                continue
            self.whole.remove(conn)
            self.working[conn.address] += 1
            self.enqueue_req(conn)

    def handle(self, conn: Connection) -> bool:
        """In a thread: answer; whether the connection can be used again."""
        request = conn.request
        # Names of a proxy's headers are one here, and what they say is looked at later.
        request.headers = [
            ("X-FORWARDED-PREFIX" if name == "SCRIPT_NAME" else name, value)
            for name, value in request.headers
        ]
        request.body = Readable(request.body)
        if conn.close_after:
            request.force_close()
        try:
            again = self.handle_request(request, conn)
            with suppress(OSError):
                # The rest of a body that was not read would be taken for the next request.
                return bool(again) and not request.body.read(1)
            return False
        except (OSError, StopIteration) as error:
            self.log.debug("an answer was cut off: %s", error)
        except Exception as error:
            self._fail(conn, error)
            return False
        conn.state = "lingering"  # nothing that would be whole can be sent any more
        return False

    def _fail(self, conn: Connection, error: Exception) -> None:
        refused = refusals.refusal(error)
        if refused is None:
            self.log.error("an answer failed", exc_info=error)
        conn.sock.sendall(refusals.answer(*(refused or refusals.FAILED)))

    def finish_request(self, conn: Connection, future: "Future[bool]") -> None:
        """In the loop, once a thread is done: send the rest, then wait for the next request."""
        self.working[conn.address] -= 1
        self._hand_over()
        again = not future.cancelled() and future.exception() is None and future.result()
        if future.exception() is not None or conn.state == "lingering":
            self._close(conn)
            return
        conn.close_after = conn.close_after or not again
        conn.state = "sending"
        self._guarded(self._send, conn, None)
        self.freed = True

    def _send(self, conn: Connection) -> None:
        conn.sock.push()
        if conn.sock.size:
            self._watch(conn, selectors.EVENT_WRITE, self._send)
            sending = [one for one in self.open if one.state == "sending"]
            if sum(one.sock.size for one in sending) > MOST_SENDING_BYTES:
                self._close(least_busy(sending))
        elif conn.close_after:
            self._linger(conn)
        else:
            rest = conn.parser.unreader.buf.getvalue() + conn.pieces.rest()
            seconds = self.cfg.keepalive if self.alive else STOP_KEEPALIVE_LINGER
            conn.begin(time.monotonic(), seconds)
            self._watch(conn, selectors.EVENT_READ, self._arrive)
            if rest:  # the next request came along
                self._take(conn, rest)

    def _refuse(self, conn: Connection, why: tuple[HTTPStatus, str] | None) -> None:
        """Answer without the application, then close."""
        assert why is not None
        conn.state, conn.close_after = "sending", True
        conn.sock.sendall(refusals.answer(*why))
        self._send(conn)

    def _linger(self, conn: Connection) -> None:
        """Take off the connection what the client still sends, so that it sees the answer."""
        conn.begin(time.monotonic(), self.patience.linger)
        conn.state = "lingering"
        conn.wire.shutdown(socket.SHUT_WR)
        self._watch(conn, selectors.EVENT_READ, self._discard)

    def _discard(self, conn: Connection) -> None:
        if not conn.wire.recv(READ_BYTES):
            self._close(conn)

    def _give_up_the_late(self, now: float) -> None:
        self._let_in()
        for conn in list(self.open):
            if conn.state == "body" and conn.pace is not None and conn.pace.late(now):
                self._guarded(lambda one: self._refuse(one, refusals.BODY_LATE), conn, None)
            elif conn.state == "room" and now >= conn.until:
                self._guarded(lambda one: self._refuse(one, refusals.BUSY), conn, None)
            elif conn.state == "head" and now >= conn.until:
                if conn.idle:
                    self._close(conn)
                else:
                    self._guarded(lambda one: self._refuse(one, refusals.LATE), conn, None)
            elif (conn.state == "lingering" and now >= conn.until) or (
                conn.state == "sending" and conn.sock.late(now)
            ):
                self._close(conn)

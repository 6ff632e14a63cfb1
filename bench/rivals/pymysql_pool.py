# SPDX-License-Identifier: MIT
"""pymysql-pool with sessions that do nothing: pymysql_pool.py DIRECTORY, which
holds a copy of its module."""
import json
import os
import sys
import threading
import time
import types


class NothingCursor:
    """Opened and closed at each return of a session."""

    def __init__(self, connection):
        del connection

    def close(self):
        pass


class DictCursorMixin:
    """pymysql-pool derives a cursor of its own from it."""


class NothingConnection:
    """As much of pymysql's Connection as the pool calls."""
    cursorclass = NothingCursor

    def __init__(self, *args, **kwargs):
        del args, kwargs

    def autocommit(self, value):
        del value

    def get_autocommit(self):
        return True

    def close(self):
        pass

    commit = rollback = close


def errors():
    """The module pymysql.err: what the pool catches or derives from."""
    err = types.ModuleType("pymysql.err")
    err.Error = type("Error", (Exception,), {})
    err.Warning = type("Warning", (Warning,), {})
    for name in ("ProgrammingError", "IntegrityError", "NotSupportedError"):
        setattr(err, name, type(name, (err.Error,), {}))
    return err


def stub_pymysql():
    """Stands in for the modules that pymysql-pool imports, also where the
    real ones are installed."""
    cursors = types.ModuleType("pymysql.cursors")
    cursors.Cursor, cursors.DictCursorMixin = NothingCursor, DictCursorMixin
    connections = types.ModuleType("pymysql.connections")
    connections.Connection = NothingConnection
    module = types.ModuleType("pymysql")
    module.err, module.cursors = errors(), cursors
    module.connections = connections
    sys.modules.update({"pymysql": module, "pymysql.err": module.err,
                        "pymysql.cursors": cursors,
                        "pymysql.connections": connections})


def borrow(pool, stop, counts, mine):
    while not stop.is_set():
        connection = pool.get_connection()
        connection.close()
        counts[mine] += 1


def give_up(failure):
    """A thread that ended early would only look like an unfair pool."""
    threading.__excepthook__(failure)
    os._exit(1)


def measure(pymysqlpool, threads, sessions, window_s):
    pool = pymysqlpool.ConnectionPool(
        name=f"bench{threads}", size=sessions, maxsize=sessions,
        pre_create_num=sessions, host="", user="", password="", database="")
    stop, counts = threading.Event(), [0] * threads
    crew = [threading.Thread(target=borrow, args=(pool, stop, counts, i))
            for i in range(threads)]
    for thread in crew:
        thread.start()
    time.sleep(window_s / 6)
    before, began = list(counts), time.monotonic()
    time.sleep(window_s)
    pairs = [b - a for a, b in zip(before, list(counts))]
    took = time.monotonic() - began
    stop.set()
    for thread in crew:
        thread.join()
    print(json.dumps({
        "name": f"acquire_idle/pymysql_pool/threads:{threads}"
                f"/sessions:{sessions}",
        "ns": took * 1e9 / max(sum(pairs), 1),
        "pairs_per_s": sum(pairs) / took,
        "fairness": min(pairs) / max(max(pairs), 1)}))


def main():
    stub_pymysql()
    sys.path.insert(0, os.path.abspath(sys.argv[1]))
    import pymysqlpool  # pylint: disable=import-outside-toplevel
    threading.excepthook = give_up
    window_s = int(os.environ.get("DEWPOND_BENCH_WINDOW_MS", "300")) / 1000
    for threads in (1, 2, 4, 8, 16, 64):
        measure(pymysqlpool, threads, 64, window_s)


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: MIT
"""pymysql-pool with sessions that do nothing: PATH is a copy of it."""
import json
import os
import sys
import threading
import time
import types


class NothingConnection:
    """As much of pymysql's Connection as a pool calls."""

    def __init__(self, *args, **kwargs):
        del args, kwargs
        self.open = True

    def commit(self):
        pass

    rollback = begin = close = ping = connect = commit

    def cursor(self, *args, **kwargs):
        del args, kwargs
        return self

    def get_autocommit(self):
        return True

    def get_server_info(self):
        return "nothing"


def stub_pymysql():
    """Stands in for the module that pymysql-pool imports."""
    module = types.ModuleType("pymysql")
    connections = types.ModuleType("pymysql.connections")
    cursors = types.ModuleType("pymysql.cursors")
    connections.Connection = module.Connection = NothingConnection
    module.connect = NothingConnection
    module.connections, module.cursors = connections, cursors
    cursors.DictCursor = cursors.Cursor = object
    for name in ("Error", "OperationalError", "InterfaceError", "Warning"):
        setattr(module, name, type(name, (Exception,), {}))
    module.err = module
    sys.modules.update({"pymysql": module, "pymysql.connections": connections,
                        "pymysql.cursors": cursors, "pymysql.err": module})


def borrow(pool, stop, counts, mine):
    while not stop.is_set():
        try:
            connection = pool.get_connection(pre_ping=False)
            connection.close()
            counts[mine] += 1
        except Exception as refused:  # it raises when all are lent
            if "pool" not in type(refused).__module__:
                raise


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
    path = os.path.abspath(sys.argv[1])
    sys.path.insert(0, path)
    import pymysqlpool
    window_s = int(os.environ.get("DEWPOND_BENCH_WINDOW_MS", "300")) / 1000
    for threads in (1, 2, 4, 8, 16, 64):
        measure(pymysqlpool, threads, 64, window_s)


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: MIT
"""The server that is asked: a private MariaDB server, or one that was named."""
import os
import shutil
import socket as sockets
import struct
import subprocess
import tempfile
import time
import urllib.parse

START_S = 60
SQL = """CREATE DATABASE bench;
CREATE USER bench@'%' IDENTIFIED BY 'bench';
GRANT ALL ON bench.* TO bench@'%';
CREATE USER bench@localhost IDENTIFIED BY 'bench';
GRANT ALL ON bench.* TO bench@localhost;
"""


def environment_of(socket, host, port, user, password, database, pid=None):
    """What lib/target.h reads."""
    found = {"SOCKET": socket, "HOST": host, "PORT": port, "USER": user,
             "PASSWORD": password, "DATABASE": database, "SERVER_PID": pid}
    return {f"DEWPOND_BENCH_{name}": str(value)
            for name, value in found.items() if value}


def environment_of_uri(uri):
    """mysql://user:password@host:port/database?socket=PATH"""
    parts = urllib.parse.urlparse(uri)
    if parts.scheme != "mysql":
        raise ValueError(f"not a mysql:// URI: {uri}")
    options = urllib.parse.parse_qs(parts.query)
    socket = options.get("socket", [""])[0]
    port = parts.port or (0 if socket else 3306)
    database = urllib.parse.unquote(parts.path.lstrip("/"))
    if not database or not parts.username:
        raise ValueError("--server wants a user and a database (it stays as it "
                         "is): mysql://user:password@host:port/database")
    return environment_of(socket, parts.hostname or "127.0.0.1", port,
                          urllib.parse.unquote(parts.username),
                          urllib.parse.unquote(parts.password or ""), database)


class PrivateServer:
    """In a directory of its own; ended, and the directory removed, at exit."""

    def __init__(self):
        self.directory = tempfile.mkdtemp(prefix="dewpond-bench-")
        self.process = None

    def path(self, name):
        return os.path.join(self.directory, name)

    def run(self, command):
        with open(self.path("log"), "a", encoding="utf-8") as log:
            return subprocess.run(command, stdout=log, stderr=log,
                                  stdin=subprocess.DEVNULL,
                                  check=False).returncode

    def fail(self, what):
        with open(self.path("log"), encoding="utf-8", errors="replace") as log:
            raise RuntimeError(f"{what}\n{log.read()[-3000:]}")

    def start(self):
        os.environ["PATH"] += ":/usr/sbin"
        user = ["--user=root"] if os.getuid() == 0 else []
        small = ["--innodb-log-file-size=16M"]
        if self.run(["mariadb-install-db", "--no-defaults", *user,
                     "--datadir=" + self.path("data"), "--skip-test-db",
                     "--auth-root-authentication-method=normal",
                     "--skip-name-resolve", "--force", *small]) != 0:
            self.fail("mariadb-install-db failed")
        with open(self.path("init.sql"), "w", encoding="utf-8") as file:
            file.write(SQL)
        with open(self.path("log"), "a", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                ["mariadbd", "--no-defaults", *user,
                 "--datadir=" + self.path("data"),
                 "--socket=" + self.path("s"), "--port=0",
                 "--pid-file=" + self.path("pid"),
                 "--bind-address=127.0.0.1", f"--port={self.free_port()}",
                 "--skip-log-bin", "--skip-name-resolve",
                 "--max-connections=2000", "--back-log=1000",
                 "--performance-schema=OFF", "--innodb-buffer-pool-size=64M",
                 "--init-file=" + self.path("init.sql"), *small],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                start_new_session=True)
        self.await_answer()
        return environment_of(self.path("s"), "127.0.0.1", self.port, "bench",
                              "bench", "bench", self.process.pid)

    def free_port(self):
        with sockets.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        return self.port

    def await_answer(self):
        until = time.monotonic() + START_S
        while self.run(["mariadb", "--no-defaults",
                        "--socket=" + self.path("s"), "--user=bench",
                        "--password=bench", "--execute=DO 1", "bench"]) != 0:
            if self.process.poll() is not None or time.monotonic() > until:
                self.fail("the server does not start")
            time.sleep(0.1)

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)


def answer_of(environment, sql):
    """(the answer, or what the client says in its place; whether it is one)"""
    get = environment.get
    command = ["mariadb", "--no-defaults", "--batch", "--skip-column-names",
               "--connect-timeout=10",
               "--user=" + get("DEWPOND_BENCH_USER", ""),
               "--execute=" + sql, get("DEWPOND_BENCH_DATABASE", "")]
    if get("DEWPOND_BENCH_SOCKET"):
        command.append("--socket=" + get("DEWPOND_BENCH_SOCKET"))
    else:
        command += ["--protocol=tcp", "--host=" + get("DEWPOND_BENCH_HOST", ""),
                    "--port=" + get("DEWPOND_BENCH_PORT", "")]
    answer = subprocess.run(
        command, capture_output=True, text=True, check=False,
        env=dict(environment, MYSQL_PWD=get("DEWPOND_BENCH_PASSWORD", "")))
    return (answer.stdout.strip() or answer.stderr.strip(),
            answer.returncode == 0)


def version(environment):
    """As the server tells it, or why it does not."""
    return answer_of(environment, "SELECT VERSION()")[0]


def connections(environment):
    """Notes how many more the server takes, and how it cannot be asked at all
    before the first of many minutes is spent."""
    told, is_answer = answer_of(environment, "SELECT @@max_connections - "
                                "VARIABLE_VALUE FROM information_schema."
                                "GLOBAL_STATUS WHERE VARIABLE_NAME = "
                                "'THREADS_CONNECTED'")
    if not is_answer:
        told, is_answer = answer_of(environment, "SELECT @@max_connections - 5")
    if not is_answer:
        raise RuntimeError(f"the server does not answer: {told}")
    environment["DEWPOND_BENCH_CONNECTIONS"] = str(
        max(1, int(float(told)) - 2))


def local_pid(environment):
    """Of a server on this machine, else None: its processor time is no sign
    that others disturb us."""
    path = environment.get("DEWPOND_BENCH_SOCKET")
    if path:
        with sockets.socket(sockets.AF_UNIX) as probe:
            probe.connect(path)
            who = probe.getsockopt(sockets.SOL_SOCKET, sockets.SO_PEERCRED, 12)
        return struct.unpack("3i", who)[0] or None
    if environment.get("DEWPOND_BENCH_HOST") in ("127.0.0.1", "localhost"):
        told, _ = answer_of(environment, "SELECT @@datadir, @@pid_file")
        try:
            with open(os.path.join(*told.split("\t")), encoding="ascii") as file:
                return int(file.read())
        except (OSError, ValueError):
            pass
    return None

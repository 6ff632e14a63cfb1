# SPDX-License-Identifier: MIT
"""Rivals that are not C or C++: built here, run as programs of their own."""
import glob
import importlib.machinery
import importlib.metadata
import json
import os
import resource
import shutil
import subprocess
import time

BENCH = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
HIKARI_JAR = "/usr/share/java/HikariCP.jar"
SLF4J_JARS = ("/usr/share/java/slf4j-api.jar", "/usr/share/java/slf4j-nop.jar")

# Where Debian keeps the sources of Rust's libraries, instead of a registry.
CRATES = "/usr/share/cargo/registry"


class Outside:
    """One program: prints one JSON object per line and cell."""

    def __init__(self, name, command, version):
        self.name, self.command, self.version = name, command, version

    def run(self, environment):
        """Its cells, each marked with what others used of the machine."""
        before, began, own = busy_seconds(), time.monotonic(), children()
        ran = subprocess.run(self.command, capture_output=True, text=True,
                             env=environment, check=False)
        wall = time.monotonic() - began
        others = (busy_seconds() - before - (children() - own)) / (
            wall * os.cpu_count())
        if ran.returncode != 0:
            raise RuntimeError(f"{self.name}: {ran.stderr[-2000:]}")
        cells = [json.loads(line) for line in ran.stdout.splitlines()
                 if line.startswith("{")]
        for cell in cells:
            cell["others"] = max(0.0, others)
        return cells


def busy_seconds():
    with open("/proc/stat", encoding="ascii") as stat:
        v = [int(word) for word in stat.readline().split()[1:9]]
    return (v[0] + v[1] + v[2] + v[5] + v[6] + v[7]) / os.sysconf("SC_CLK_TCK")


def children():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def told(command):
    answer = subprocess.run(command, capture_output=True, text=True,
                            check=False)
    return (answer.stdout + answer.stderr).strip().splitlines()[0]


def build(command, what, **more):
    ran = subprocess.run(command, capture_output=True, text=True, check=False,
                         **more)
    if ran.returncode != 0:
        raise RuntimeError(f"{what} does not build:\n{ran.stderr[-3000:]}")


def go(scratch):
    if shutil.which("go") is None:
        return "golang-go"
    program = os.path.join(scratch, "go_sql")
    environment = dict(os.environ, GOCACHE=os.path.join(scratch, "go-cache"),
                       GO111MODULE="off", GOFLAGS="")
    build(["go", "build", "-o", program, "."], "the Go rival",
          cwd=os.path.join(BENCH, "rivals", "go"), env=environment)
    return Outside("go_database_sql", [program], told(["go", "version"]))


def hikari(scratch):
    if shutil.which("javac") is None or not os.path.exists(HIKARI_JAR):
        return "libhikaricp-java libslf4j-java default-jdk-headless"
    path = ":".join((HIKARI_JAR, *SLF4J_JARS))
    build(["javac", "-cp", path, "-d", scratch,
           *glob.glob(os.path.join(BENCH, "rivals", "java", "*.java"))],
          "the Java rival")
    jar = os.path.basename(sorted(glob.glob(
        HIKARI_JAR.replace(".jar", "-*.jar")) or [HIKARI_JAR])[0])
    return Outside("hikaricp", ["java", "-cp", f"{path}:{scratch}", "Hikari"],
                   f"{jar}, {told(['java', '-version'])}")


def r2d2(scratch):
    crates = glob.glob(os.path.join(CRATES, "r2d2-[0-9]*"))
    if shutil.which("cargo") is None or not crates:
        return "cargo librust-r2d2-dev"
    # Cargo writes beside the source that it builds.
    source = os.path.join(scratch, "rust")
    shutil.copytree(os.path.join(BENCH, "rivals", "rust"), source)
    environment = dict(os.environ, RUSTFLAGS="",
                       CARGO_HOME=os.path.join(scratch, "cargo"),
                       CARGO_TARGET_DIR=os.path.join(scratch, "rust-target"))
    build(["cargo", "build", "--release", "--offline",
           "--config", 'source.crates-io.replace-with="debian"',
           "--config", f'source.debian.directory="{CRATES}"'],
          "the Rust rival", cwd=source, env=environment)
    program = os.path.join(scratch, "rust-target", "release", "rival")
    version = os.path.basename(crates[0]).removeprefix("r2d2-")
    return Outside("r2d2", [program],
                   f"{version}, {told(['rustc', '--version'])}")


def pymysql_pool(scratch, path):
    del scratch
    if not path:
        return "a copy of pymysql-pool: --pymysql-pool DIRECTORY"
    if importlib.machinery.PathFinder.find_spec("pymysqlpool", [path]) is None:
        raise RuntimeError(f"there is no module pymysqlpool in {path}")
    versions = [one.version for one in importlib.metadata.distributions(
        name="pymysql-pool", path=[path])] or ["of an unknown version"]
    program = os.path.join(BENCH, "rivals", "pymysql_pool.py")
    return Outside("pymysql_pool", ["python3", "-B", program, path],
                   f"{versions[0]}, {told(['python3', '--version'])}")


def all_of_them(scratch, pymysql_path):
    """The programs, and what is missing for the rest."""
    here, missing = [], {}
    for name, found in (("go_database_sql", go(scratch)),
                        ("hikaricp", hikari(scratch)),
                        ("r2d2", r2d2(scratch)),
                        ("pymysql_pool", pymysql_pool(scratch, pymysql_path))):
        if isinstance(found, str):
            missing[name] = found
        else:
            here.append(found)
    return here, missing

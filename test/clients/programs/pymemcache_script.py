"""The common script by pymemcache: python3 pymemcache_script.py PORT"""
import sys
import time

from pymemcache.client.base import Client
from pymemcache.exceptions import MemcacheClientError
from pymemcache.serde import pickle_serde

from check import check, eventually, passed

client = Client(("127.0.0.1", int(sys.argv[1])), default_noreply=False, timeout=10)

check("set", client.set("py:a", b"one"), True)
check("get", client.get("py:a"), b"one")
check("add to a key that is there", client.add("py:a", b"two"), False)
check("replace", client.replace("py:a", b"b"), True)
check("append", client.append("py:a", b"c"), True)
check("prepend", client.prepend("py:a", b"a"), True)
check("what they made", client.get("py:a"), b"abc")
check("delete", client.delete("py:a"), True)
check("delete again", client.delete("py:a"), False)
check("set without a reply", client.set("py:quiet", b"x", noreply=True), True)
check("what it stored", client.get("py:quiet"), b"x")
passed("store")

check("a miss", client.get("py:none"), None)
for name, value in {"empty": b"", "binary": b"\0\r\nEND\r\n\xff", "large": b"0123456789abcdef" * 50000}.items():
    check(f"set {name}", client.set(f"py:{name}", value), True)
    check(f"get {name}", client.get(f"py:{name}"), value)
objects = Client(("127.0.0.1", int(sys.argv[1])), serde=pickle_serde, default_noreply=False)
objects.set("py:object", {"a": [1, 2.5, None]})
check("get of an object", objects.get("py:object"), {"a": [1, 2.5, None]})
passed("fetch")

client.set("py:cas", b"one")
value, token = client.gets("py:cas")
check("value with its token", value, b"one")
check("cas", client.cas("py:cas", b"two", token), True)
check("cas with the old token", client.cas("py:cas", b"three", token), False)
check("cas of nothing", client.cas("py:none", b"x", token), None)
check("what is there", client.get("py:cas"), b"two")
passed("cas")

client.set("py:n", b"10")
check("incr", client.incr("py:n", 5), 15)
check("decr below zero", client.decr("py:n", 100), 0)
check("incr of nothing", client.incr("py:none", 1), None)
client.set("py:n", b"18446744073709551615")
check("incr beyond 64 bits", client.incr("py:n", 2), 1)
client.set("py:text", b"text")
try:
    client.incr("py:text", 1)
    check("incr of text", "no error", "an error")
except MemcacheClientError:
    pass
passed("incr")

many = {f"py:many:{at}": b"value %d" % at for at in range(200)}
check("set_many", client.set_many(many), [])
check("get_many", client.get_many([*many, "py:none"]), many)
check("gets_many", len(client.gets_many(list(many))), 200)
check("delete_many", client.delete_many(list(many)), True)
passed("multi")

client.set("py:short", b"x", expire=1)
client.set("py:touched", b"x", expire=1000)
client.set("py:long", b"x", expire=1000)
check("touch", client.touch("py:touched", 1), True)
eventually("expiry", lambda: client.get("py:short") is None)
eventually("expiry of what was touched", lambda: client.get("py:touched") is None)
check("what has time left", client.get("py:long"), b"x")
client.set("py:past", b"x", expire=int(time.time()) - 10)
check("a time that has passed", client.get("py:past"), None)
passed("expiry")

check("stats", client.stats()[b"pid"] > 0, True)
for group in ("settings", "items", "slabs"):
    client.stats(group)
check("version", client.version().split(b".")[0].isdigit(), True)
passed("stats")

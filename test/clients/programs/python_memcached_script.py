"""The common script by python-memcached: python3 python_memcached_script.py PORT"""
import sys

import memcache

from check import check, eventually, passed

client = memcache.Client([f"127.0.0.1:{sys.argv[1]}"], cache_cas=True, socket_timeout=10)

check("set", client.set("pym:a", "one"), True)
check("get", client.get("pym:a"), "one")
check("add to a key that is there", bool(client.add("pym:a", "two")), False)
check("replace", bool(client.replace("pym:a", "b")), True)
check("append", bool(client.append("pym:a", "c")), True)
check("prepend", bool(client.prepend("pym:a", "a")), True)
check("what they made", client.get("pym:a"), "abc")
check("delete", bool(client.delete("pym:a")), True)
check("what is left", client.get("pym:a"), None)
passed("store")

check("a miss", client.get("pym:none"), None)
values = {
    "empty": b"",
    "binary": b"\0\r\nEND\r\n\xff",
    "large": b"0123456789abcdef" * 50000,
    "object": {"a": [1, 2.5, None]},
    "int": 7,
}
for name, value in values.items():
    check(f"set {name}", client.set(f"pym:{name}", value), True)
    check(f"get {name}", client.get(f"pym:{name}"), value)
passed("fetch")

client.set("pym:cas", "one")
check("gets", client.gets("pym:cas"), "one")
check("cas", bool(client.cas("pym:cas", "two")), True)
other = memcache.Client([f"127.0.0.1:{sys.argv[1]}"], cache_cas=True)
client.gets("pym:cas")
other.set("pym:cas", "three")
check("cas after another's set", bool(client.cas("pym:cas", "four")), False)
check("what is there", client.get("pym:cas"), "three")
passed("cas")

client.set("pym:n", 10)
check("incr", client.incr("pym:n", 5), 15)
check("decr below zero", client.decr("pym:n", 100), 0)
check("incr of nothing", client.incr("pym:none"), None)
passed("incr")

many = {f"pym:many:{at}": f"value {at}" for at in range(200)}
check("set_multi", client.set_multi(many), [])
check("get_multi", client.get_multi([*many, "pym:none"]), many)
check("delete_multi", bool(client.delete_multi(list(many))), True)
passed("multi")

client.set("pym:short", "x", time=1)
client.set("pym:touched", "x", time=1000)
client.set("pym:long", "x", time=1000)
check("touch", bool(client.touch("pym:touched", 1)), True)
eventually("expiry", lambda: client.get("pym:short") is None)
eventually("expiry of what was touched", lambda: client.get("pym:touched") is None)
check("what has time left", client.get("pym:long"), "x")
passed("expiry")

check("stats", int(client.get_stats()[0][1]["pid"]) > 0, True)
for group in ("settings", "items", "slabs"):
    client.get_stats(group)
passed("stats")

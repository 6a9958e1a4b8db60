"""The reference, Python's DiffSync on Redis: prints what the rows or the whole job take, as JSON."""

import json
import logging
import sys
import time
from typing import List

import structlog
from diffsync import Adapter, DiffSyncModel
from diffsync.store.redis import RedisStore

# It takes milliseconds an object for some of these: few objects are enough.
ROWS, JOB = 2_000, 1_000

logging.disable(logging.CRITICAL)
structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


class Device(DiffSyncModel):
    _modelname = "device"
    _identifiers = ("name",)
    _attributes = ("role", "site", "vendor", "model", "serial", "osVersion", "mgmtIp", "enabled")

    name: str
    role: str
    site: str
    vendor: str
    model: str
    serial: str
    osVersion: str
    mgmtIp: str
    enabled: bool
    rack: int
    tags: List[str]


class Flat(Adapter):
    top_level = ["device"]
    device = Device


def device(number, role="leaf"):
    return Device(
        name=f"device-{number:06}",
        role=role,
        site=f"site-{number % 100}",
        vendor="acme",
        model=f"dcs-{7000 + number % 50}",
        serial=f"SN{100_000 + number}",
        osVersion=f"4.{number % 30}.1F",
        mgmtIp=f"10.{number >> 16}.{(number >> 8) & 255}.{number & 255}",
        enabled=number % 3 != 0,
        rack=number % 42,
        tags=["prod", f"pod-{number % 8}"],
    )


def microseconds(work, calls):
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1e6 / calls


def measured(steps):
    """What each step takes; one that fails says with what, and the others go on."""
    taken, failed = {}, {}
    for name, step in steps.items():
        try:
            taken[name] = step()
        except Exception as error:  # Whatever the reference may throw.
            failed[name] = f"{type(error).__name__}: {error}"
    return taken, failed


def rows(url):
    store = RedisStore(url=url, store_id="reference")
    devices = [device(number) for number in range(ROWS)]
    changed = [device(number, "spine") for number in range(ROWS)]
    uids = [each.get_unique_id() for each in devices]

    def each(work, items):
        return microseconds(lambda: [work(item) for item in items], len(items))

    taken, failed = measured(
        {
            "add, each awaited": lambda: each(lambda obj: store.add(obj=obj), devices),
            "re-add equal": lambda: each(lambda obj: store.add(obj=obj), devices),
            "update": lambda: each(lambda obj: store.update(obj=obj), changed),
            "get, each awaited": lambda: each(lambda uid: store.get(model=Device, identifier=uid), uids),
            "getByUids": lambda: microseconds(lambda: store.get_by_uids(uids=uids, model=Device), ROWS),
            "getAll": lambda: microseconds(lambda: store.get_all(model=Device), ROWS),
            "count (a call)": lambda: microseconds(lambda: store.count(model=Device), 1),
            "model names (a call)": lambda: microseconds(store.get_all_model_names, 1),
            "remove": lambda: each(lambda obj: store.remove(obj=obj), changed),
        }
    )
    return {"objects": ROWS, "rows": taken, "failed": failed}


def job(url):
    source = Flat(name="source", internal_storage_engine=RedisStore(url=url, store_id="source"))
    target = Flat(name="target", internal_storage_engine=RedisStore(url=url, store_id="target"))

    def load():
        for number in range(JOB):
            if number % 20 != 5:
                source.add(device(number, "spine" if number % 20 == 10 else "leaf"))
            if number % 20 != 0:
                target.add(device(number))

    taken, failed = measured(
        {
            "load": lambda: microseconds(load, 1000),
            "diff": lambda: microseconds(lambda: target.diff_from(source), 1000),
            "sync": lambda: microseconds(lambda: target.sync_from(source), 1000),
        }
    )
    return {"objects": JOB, "ms": taken, "failed": failed}


print(json.dumps({"rows": rows, "job": job}[sys.argv[1]](sys.argv[2])))

"""Values that fail when they are touched are left alone, and what is beside them is seen."""

from __future__ import annotations

from .harness import Project

ZOO = """
import collections, enum, functools, io, itertools, random, sys, threading, types, weakref
BOOM = RuntimeError
def boom(*a, **k):
    raise BOOM("touched")
class DictProp:
    __dict__ = property(boom)
class SlotBoom:
    __slots__ = ("a", "__weakref__")
class AttrBoom:
    __getattribute__ = boom
class GetAttrBoom:
    __getattr__ = boom
class Meta(type):
    def __getattribute__(cls, name):
        if name[:2] == "__" and name != "__len__":
            return super().__getattribute__(name)
        raise BOOM("meta " + name)
class MetaEq(type):
    __eq__ = boom
    __hash__ = None
class MetaModule(type):
    __module__ = property(boom)
class MetaLen(type):
    __len__ = boom
    __iter__ = boom
    __bool__ = boom
    __call__ = boom
    __instancecheck__ = boom
    __subclasscheck__ = boom
    __contains__ = boom
    __getitem__ = boom
    __repr__ = boom
A = DictProp(); B = SlotBoom(); C = AttrBoom(); D = GetAttrBoom()
class E(metaclass=Meta): x = 1
class F(metaclass=MetaEq): x = 1
class G(metaclass=MetaLen): x = 1
class DictSub(dict):
    values = items = keys = __iter__ = __len__ = __getitem__ = get = boom
class ListSub(list):
    __iter__ = __len__ = __getitem__ = boom
class SetSub(set):
    __iter__ = __len__ = boom
class DequeSub(collections.deque):
    __iter__ = __len__ = boom
class StrSub(str):
    __eq__ = __hash__ = __len__ = boom
class IntSub(int):
    __eq__ = __hash__ = __index__ = boom
class ODSub(collections.OrderedDict):
    pass
class DD(collections.defaultdict):
    __missing__ = boom
H = DictSub(a=1); dict.__setitem__(H, "b", [1])
I = ListSub([1, 2]); J = SetSub(); K = DequeSub([1]); L = StrSub("x"); M = IntSub(3); N = DD(list)
O = types.SimpleNamespace(a=C, b=D)
P = functools.partial(boom, C)
Q = types.MappingProxyType({"a": C})
class Desc:
    __get__ = boom
    __set__ = boom
    __delete__ = boom
    __set_name__ = lambda *a: None
class HasDesc:
    pass
type.__setattr__(HasDesc, "d", Desc())
R = HasDesc()
class Buf:
    def __buffer__(self, flags): raise BOOM("buffer")
S = Buf()
class Weird:
    def __init__(self): self.__dict__["ok"] = C
    __eq__ = boom
    __hash__ = boom
T = Weird()
V = [T, C, D, E, F, G]
W = (T, C)
class LocalBoom(threading.local):
    x = 1
X = LocalBoom()
class ModBoom(types.ModuleType):
    def __getattribute__(self, n):
        if n in ("__class__", "__spec__", "__name__"): return super().__getattribute__(n)
        raise BOOM("module " + n)
Y = ModBoom("y")
class FutureLike:
    __await__ = boom
    __iter__ = boom
Z = FutureLike()
async def agen():
    yield 1
AG = agen()
def gen():
    x = C
    yield 1
GE = gen(); next(GE)
def outer():
    v = C
    def inner(): return v
    return inner
CL = outer()
def defaults(a=C, *, b=T): return 1
class En(enum.Enum):
    a = 1
class Stream(io.StringIO):
    getvalue = boom
    tell = boom
ST = Stream("abc")
class Ex(Exception):
    args = property(boom)
EX = Ex(1)
class Rnd(random.Random):
    getstate = boom
RN = Rnd()
class Cnt(itertools.count):
    __reduce__ = boom
    __repr__ = boom
CN = Cnt()
class Lck:
    locked = boom
LK = Lck()
TABLE = {}
def use(): return 3
class PropMod:
    __module__ = property(boom)
PM = PropMod()
class QualBoom:
    pass
QualBoom.__module__ = 3
QB = QualBoom()
class NoneMod: pass
NoneMod.__module__ = None
NM = NoneMod()
def fm(): pass
fm.__module__ = C
def fm2(): pass
fm2.__module__ = None
sys.modules["zoo_fake"] = C
sys.modules["zoo_fake2"] = D
sys.modules["zoo_none"] = None
"""
TESTS = """
import zoo
def test_a(): assert zoo.use() == 3
def test_b():
    zoo.TABLE["a"] = zoo.C; zoo.TABLE["b"] = zoo.T; zoo.V.append(zoo.T); zoo.O.c = zoo.D
    zoo.HasDesc.e = zoo.C
    dict.__setitem__(zoo.H, "c", 3); list.append(zoo.I, 3)
    zoo.X.y = zoo.C
    zoo.defaults.__kwdefaults__["b"] = zoo.C
def test_c(): assert zoo.TABLE
def test_d(): zoo.TABLE.clear(); zoo.En.a.value
def test_e(): next(zoo.CN); zoo.T.__dict__["z"] = zoo.T
"""


def test_values_that_fail_when_they_are_touched(project: Project) -> None:
    project = project.write({"zoo.py": ZOO, "test_zoo.py": TESTS})

    assert project.run("--cachekit").counts == {"passed": 5}
    assert set(project.run("--cachekit").verdicts.values()) == {"hit"}
    run = project.replace("zoo.py", "return 3", "return 4").run("--cachekit")
    assert [test for test, verdict in run.verdicts.items() if verdict != "hit"] == [
        "test_zoo.py::test_a"
    ]
    assert run.counts["failed"] == 1

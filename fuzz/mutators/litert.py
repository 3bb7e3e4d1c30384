"""Changes to LiteRT files."""

from __future__ import annotations

from random import Random
from typing import Any

from fuzz.mutators.raw import number, raw

_NAMES = ("", "x", "FlexWriteFile", "Mfcc", "serving_default", "x" * 5000, "a\nb")
_NUMBERS = (0, 1, 2, 3, 127, 255, -1, 2**31 - 1, -(2**31))
_SCALES = (0.0, 1.0, -1.0, 1e-40, 3e38, float("inf"), float("nan"))


def litert(data: bytes, random: Random) -> bytes:
    """Change an operator, a tensor, a signature, or the file's own fields."""
    from tests.extras.litert import buffers

    if random.random() < 0.4:
        return raw(data, random)
    try:
        made = buffers.unpacked(data)
        random.choice((_codes, _tensor, _tensor, _signatures, _rest))(made, random)
        return buffers.packed(made)
    except Exception:  # a damaged one, or what cannot be written
        return raw(data, random)


def _codes(made: Any, random: Random) -> None:
    code = random.choice(made.operatorCodes)
    code.builtinCode = random.choice((32, 0, 9, 142, 144, 200, 100_000, -1))
    code.customCode = random.choice(_NAMES)


def _tensor(made: Any, random: Random) -> None:
    from tests.extras.litert.buffers import schema

    graph = random.choice(made.subgraphs)
    tensor = random.choice(graph.tensors)
    choice = random.randrange(5)
    if choice == 0:
        tensor.type = random.choice((0, 1, 2, 3, 4, 5, 7, 9, 17, 100))
    elif choice == 1:
        tensor.shapeSignature = [random.choice(_NUMBERS) for _ in range(random.randrange(20))]
    elif choice == 2:
        tensor.quantization = schema().QuantizationParametersT()
        tensor.quantization.scale = [random.choice(_SCALES) for _ in range(random.randrange(4))]
        points = [random.choice((*_NUMBERS, 2**62)) for _ in range(random.randrange(4))]
        tensor.quantization.zeroPoint = points
    elif choice == 3:
        tensor.name = random.choice(_NAMES)
    else:
        places = random.choice(("inputs", "outputs"))
        setattr(graph, places, [random.choice(_NUMBERS) for _ in range(random.randrange(4))])


def _signatures(made: Any, random: Random) -> None:
    from tests.extras.litert.buffers import signature

    found = list(made.signatureDefs or [])
    if found and random.random() < 0.3:
        found.pop(random.randrange(len(found)))
    else:
        name, at = random.choice(_NAMES), random.choice((0, 3, 4, 99))
        graph = random.choice((0, 0, 0, 1, 2**31))
        found.append(signature(name, graph, takes=random.choice((0, 5, 99)), scores=at))
    made.signatureDefs = found


def _rest(made: Any, random: Random) -> None:
    choice = random.randrange(4)
    if choice == 0:
        made.version = number(random, 31)
    elif choice == 1:
        made.description = random.choice(_NAMES)
    elif choice == 2:
        made.subgraphs = made.subgraphs * random.choice((0, 2, 3))
    else:
        made.operatorCodes = made.operatorCodes * random.choice((0, 2, 500))

"""How a contract is declared: a class whose transactions are typed methods.

    class Toys(Contract):
        name, version, kinds = "toys", 1, (TOY,)

        @transaction(Make, role="maker")
        def make(self, context: Context, arguments: Make) -> None: ...

A long contract is split over several classes that the contract class inherits. Functions are
found once, when the class is made. A contract instance holds no data.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Final, TypeVar

import msgspec

from chaincode.arguments import Arguments
from chaincode.context import Context
from chaincode.kinds import Kind

__all__ = ["Contract", "Function", "transaction"]

arguments_type = TypeVar("arguments_type", bound=msgspec.Struct)
owner_type = TypeVar("owner_type")

_MARK: Final = "__transaction__"


class Function:
    """One function of a contract: its arguments, the fewest and most who sign it, and the role a
    single signer must have.
    """

    __slots__ = ("arguments", "call", "role", "signers")

    def __init__(
        self,
        arguments: Arguments,
        role: str | None,
        signers: tuple[int, int],
        call: Callable[..., None],
    ) -> None:
        self.arguments = arguments
        self.role = role
        self.signers = signers
        self.call = call


def transaction(
    arguments: type[arguments_type],
    *,
    role: str | None = None,
    signers: int | tuple[int, int] = 1,
) -> Callable[
    [Callable[[owner_type, Context, arguments_type], None]],
    Callable[[owner_type, Context, arguments_type], None],
]:
    """Mark a method as a function clients may call. `role` binds a single signer; of several the
    method checks who they are. `signers` is a number, or the fewest and the most: then the method
    says with `Context.require_signers` which it takes.
    """
    bounds = (signers, signers) if isinstance(signers, int) else signers

    def mark(
        method: Callable[[owner_type, Context, arguments_type], None],
    ) -> Callable[[owner_type, Context, arguments_type], None]:
        setattr(method, _MARK, (Arguments(arguments), role, bounds))
        return method

    return mark


class Contract:
    """Base of all contracts: name, version, the kinds of entities it owns, and its functions by
    name.
    """

    name: ClassVar[str] = ""
    version: ClassVar[int] = 0
    kinds: ClassVar[tuple[Kind[Any], ...]] = ()
    functions: ClassVar[dict[str, Function]] = {}

    def __init_subclass__(cls) -> None:
        """Collect the marked methods of the class and of those it inherits."""
        found: dict[str, Function] = {}
        for name in dir(cls):
            method = getattr(cls, name)
            marked = getattr(method, _MARK, None)
            if marked is not None:
                arguments, role, signers = marked
                found[name] = Function(arguments, role, signers, method)
        cls.functions = found

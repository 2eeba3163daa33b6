# SPDX-License-Identifier: Apache-2.0
"""What a random question is made of, besides its clauses: facts, small choices, inputs, rules, patterns of pull."""
import random

# attribute -> (type of its values, kind of the schema)
ATTRIBUTES = {
    "name": ("str", "one"), "age": ("int", "one"), "score": ("num", "one"), "active": ("bool", "one"),
    "born": ("inst", "one"), "seen": ("inst", "many"), "tag": ("str", "many"), "level": ("int", "many"),
    "friend": ("ent", "refMany"), "boss": ("ent", "ref"),
}
SCHEMA = {name: kind for name, (_, kind) in ATTRIBUTES.items() if kind != "one"}
MOMENTS = ["1969-12-31T23:59:59.999Z", "1970-01-01T00:00:00.000Z", "2024-02-29T12:00:00.000Z",
           "2026-11-21T02:01:00.123Z", "2099-01-01T00:00:00.000Z"]
# One of them otherwise, for questions: DataScript takes two facts that are the same, and keeps both.
ABROAD = ("2026-11-21T02:01:00.123Z", "2026-11-21T03:01:00.123+01:00")
TEXTS = ["a", "b", "ab", "ba", "abc", "c", "x y"]
COMPARISONS = ["<", "<=", ">", ">=", "=", "not=", "!="]
NUMERIC = ("int", "num")


def edn(value):
    """A value of JSON as EDN."""
    if value is None:
        return "nil"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, list):
        return "[" + " ".join(edn(item) for item in value) + "]"
    if isinstance(value, dict):
        return f'#inst "{value["$timestamp"].replace(*ABROAD)}"'
    return repr(value)


class Parts:
    """The parts, from one seed."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.seed = seed
        self.entities = self.random.randint(2, 6)
        self.env = {}  # Variable -> type.
        self.count = 0
        self.has_rules = self.aggregates = False
        self.rules = []
        self.rule_calls = []  # (name, types of arguments, how many of the first must be bound)

    # Small choices

    def chance(self, percent):
        return self.random.randrange(100) < percent

    def pick(self, items):
        return self.random.choice(list(items))

    def fresh(self, kind):
        self.count += 1
        return f"?{kind[0]}{self.count}"

    def constant(self, kind):
        if kind == "str":
            return self.pick(TEXTS)
        if kind == "int":
            return self.random.randint(-2, 5)
        if kind == "num":
            return self.random.randint(-3, 6) / 2
        if kind == "bool":
            return self.chance(50)
        if kind == "inst":
            return {"$timestamp": self.pick(MOMENTS)}
        if kind == "any":
            return self.constant(self.pick(("str", "int", "bool", "inst")))
        return self.random.randint(1, self.entities + (1 if self.chance(10) else 0))

    def known(self, env, kinds):
        kinds = (kinds,) if isinstance(kinds, str) else kinds
        return sorted(name for name, kind in env.items() if kind in kinds)

    def argument(self, env, kinds):
        """A variable of these types, or a constant of one."""
        names = self.known(env, kinds)
        if names and self.chance(75):
            return self.pick(names)
        return edn(self.constant(kinds if isinstance(kinds, str) else self.pick(kinds)))

    def attribute(self, kind=None):
        return self.pick(name for name, (of, _) in ATTRIBUTES.items() if kind is None or of == kind)

    # Facts

    def facts(self):
        """Few edges where rules may follow them: DataScript takes time with what can be reached in several ways."""
        facts = []
        edges = 0
        for entity in range(1, self.entities + 1):
            for name, (kind, many) in ATTRIBUTES.items():
                times = self.random.randint(0, 2) if many.lower().endswith("many") else int(self.chance(72))
                if kind == "ent" and self.has_rules:
                    times = min(times, 4 - edges)
                    edges += times
                values = [self.constant(kind) for _ in range(times)]
                facts += [[entity, name, value] for index, value in enumerate(values) if value not in values[:index]]
        return facts

    def inputs(self):
        """Pairs of a binding and a value."""
        inputs = []
        for _ in range(self.pick((0, 0, 0, 1, 1, 2))):
            kinds = [self.pick(("int", "str", "ent", "num", "inst")) for _ in range(2)]
            roll = self.random.randrange(6)
            if roll < 2:
                inputs.append((self.fresh_input(kinds[0]), self.constant(kinds[0])))
            elif roll == 2:
                values = [self.constant(kinds[0]) for _ in range(self.random.randint(0, 5))]
                inputs.append((f"[{self.fresh_input(kinds[0])} ...]", values))
            elif roll == 3:
                names = [self.fresh_input(kinds[0]), self.fresh_input(kinds[1]) if self.chance(75) else "_"]
                inputs.append((f"[{' '.join(names)}]", [self.constant(kind) for kind in kinds]))
            elif roll == 4:
                names = [self.fresh_input(kinds[0]) if self.chance(90) else "_", self.fresh_input(kinds[1])]
                rows = [[self.constant(kind) for kind in kinds] for _ in range(self.random.randint(0, 6))]
                inputs.append((f"[[{' '.join(names)}]]", rows))
            else:
                names = [self.fresh_input(kind) for kind in kinds]
                values = [self.constant(kinds[1]) for _ in range(self.random.randint(0, 3))]
                inputs.append((f"[{names[0]} [{names[1]} ...]]", [self.constant(kinds[0]), values]))
        return inputs

    def fresh_input(self, kind):
        name = self.fresh(kind)
        self.env[name] = kind
        return name

    # Rules

    def add_rules(self):
        for make in self.random.sample((self.closure, self.mutual, self.choice, self.test_rule, self.step_rule,
                                        self.lonely, self.apart), self.random.randint(1, 2)):
            make()

    def rule(self, head, *body, ours=None):
        """We may be given other clauses that mean the same: DataScript never ends where a rule calls itself first."""
        self.rules.append([head, list(body), ours])

    def closure(self):
        step = f"@{self.attribute('ent')}@"
        again = self.pick(([f"[?a {step} ?c]", "(reach ?c ?b)"], ["(reach ?a ?c)", f"[?c {step} ?b]"],
                           ["(reach ?a ?c)", "(reach ?c ?b)"]))
        self.rule("(reach ?a ?b)", f"[?a {step} ?b]")
        self.rule("(reach ?a ?b)", f"[?a {step} ?c]", "(reach ?c ?b)", ours=again)
        self.rule_calls.append(("reach", ("ent", "ent"), 0))

    def mutual(self):
        step = f"@{self.attribute('ent')}@"
        self.rule("(odd ?a ?b)", f"[?a {step} ?b]")
        self.rule("(odd ?a ?b)", f"[?a {step} ?c]", "(even ?c ?b)")
        self.rule("(even ?a ?b)", f"[?a {step} ?c]", "(odd ?c ?b)")
        self.rule_calls += [("odd", ("ent", "ent"), 0), ("even", ("ent", "ent"), 0)]

    def choice(self):
        kind = self.pick(("str", "int", "ent", "inst"))
        first, second = self.attribute(kind), self.attribute(kind)
        if self.chance(30):
            self.rule("(has ?a ?v)", f"(or [?a @{first}@ ?v] [?a @{second}@ ?v])")
        else:
            self.rule("(has ?a ?v)", f"[?a @{first}@ ?v]")
            self.rule("(has ?a ?v)", f"[?b @{second}@ ?v]", "[?a @friend@ ?b]")
        self.rule_calls.append(("has", ("ent", kind), 0))

    def test_rule(self):
        head = f"(fits {self.pick(('[?x]', '?x'))})"
        self.rule(head, f"[({self.pick(COMPARISONS)} ?x {self.constant('int')})]")
        if self.chance(40):
            self.rule(head, f"[(= ?x {self.constant('int')})]")
        self.rule_calls.append(("fits", ("int",), 1))

    def step_rule(self):
        self.rule("(next ?a ?v)", "[?a @age@ ?n]", "[(inc ?n) ?v]")
        self.rule_calls.append(("next", ("ent", "int"), 0))

    def lonely(self):
        self.rule("(lonely ?a)", f"[?a @{self.attribute()}@]", f"(not [_ @{self.attribute('ent')}@ ?a])")
        self.rule_calls.append(("lonely", ("ent",), 0))

    def apart(self):
        step = f"@{self.attribute('ent')}@"
        self.rule("(near ?a ?b)", f"[?a {step} ?b]")
        self.rule("(near ?a ?b)", f"[?a {step} ?c]", "(near ?c ?b)")
        self.rule("(apart ?a ?b)", "[?a @name@]", "[?b @name@]", "(not (near ?a ?b))")
        self.rule_calls += [("near", ("ent", "ent"), 0), ("apart", ("ent", "ent"), 0)]

    def rule_call(self, env):
        name, kinds, required = self.pick(self.rule_calls)
        arguments = []
        for index, kind in enumerate(kinds):
            known = [name for name in self.known(env, kind) if name not in arguments]
            if index < required and not known:
                return self.pattern(env)
            if known and (index < required or self.chance(55)):
                arguments.append(self.pick(known))
            elif self.chance(15) and name != "next":
                arguments.append(edn(self.constant(kind)))
            elif self.chance(10) and name not in ("lonely", "apart"):
                arguments.append("_")
            else:
                arguments.append(self.fresh(kind))
                env[arguments[-1]] = kind
        return f"({name} {' '.join(arguments)})"

    def pull_pattern(self, depth=0):
        items = []
        for _ in range(self.random.randint(1, 3)):
            name = self.attribute()
            kind, many = ATTRIBUTES[name]
            roll = self.random.randrange(100)
            if roll < 8 and "*" not in items:
                items.append("*")
            elif roll < 16 and ":db/id" not in items:
                items.append(":db/id")
            elif roll < 26:
                items.append(f"(@{name}@ :default {edn(self.constant('int'))})")
            elif roll < 34:
                items.append(f'[@{name}@ :as "as_{name}"]')
            elif roll < 42 and many.lower().endswith("many"):
                items.append(f"(@{name}@ :limit {self.random.randint(1, 2)})")
            elif roll < 54:
                items.append(f"@_{self.attribute('ent')}@")
            elif roll < 66 and kind == "ent" and depth == 0 and not any("{" in item for item in items):
                again = ("...", "1", "3") if many == "ref" else ("1", "2")
                items.append(f"{{@{name}@ {self.pick(again)}}}")
            elif roll < 84 and kind == "ent" and depth < 2 and not any(
                    item.endswith(("...}", " 1}", " 2}", " 3}")) for item in items):
                attribute = name if self.chance(70) else "_" + name
                items.append(f"{{@{attribute}@ {self.pull_pattern(depth + 1)}}}")
            else:
                items.append(f"@{name}@")
        names = [item.strip("@{(_[").split("@")[0] for item in items]
        return "[" + " ".join(item for at, item in enumerate(items) if names[at] not in names[:at]) + "]"

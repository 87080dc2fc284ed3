"""What keeps the tree readable for strangers, and no compiler looks for.

Each check takes the root of the tree and the names of its files, and yields complaints."""

import os
import re
import subprocess

PRODUCT = ("broker", "cli", "common", "controller", "csi", "dataplane")
# Each program has these, and they are read side by side.
SIBLINGS = {"main.cc", "metrics.cc", "metrics.h", "options.cc", "options.h",
            "status.cc", "status.h", "wiring.cc", "wiring.h"}  # fmt: skip
# Words that only we knew; docs/glossary.md has those that took their place.
GONE = (
    "VaultKeeper KubeKeeper ServiceKeeper EndpointGate BrokerGate Flight Landed NextCare VaultCare "
    "RetryCareAt EventBook EventTeller TellOf Happening Verdict Truth ConnectorFacts PrepareAsk "
    "LookAt Presence grant_key RealProber TakeReading Bury IsDead examined_at LateIssuer EitherStore "
    "InForce kHiccups Object1 token_out Desk Assessment Patience KubeService"
).split()
# Too short to search texts for; as names of types they are gone.
GONE_TYPES = set(
    "Gate Life Care Core Course News Ask After Situation Place Batch Grants Reviews Heard Choices".split())
# Documents that are not in this repository.
ELSEWHERE = re.compile(
    r"\bdesign(?:\.md)? section|\bdesign\.md|\bprotocol reference|\bhouse\.md|\bstyle\.md|\boci\.md",
    re.IGNORECASE)  # fmt: skip
CITED_RULE = re.compile(r'docs/rules\.md,? "([^"\n]+)"')
PATH = re.compile(
    r"(?<![\w./<{$*-])((?:broker|cli|cmake|common|controller|csi|dataplane|deploy|docs|proto|tests)"
    r"/[\w./-]*[\w-](?:\.(?:h|cc|md|py|proto|yaml|yml|txt|json|cmake|sh|svg)\b|/))(?![\w*<{$-])")  # fmt: skip
SOURCE_NAME = re.compile(r"(?<![\w/.<-])([a-z][a-z0-9_]+\.(?:h|cc))\b")
QUOTED_NAME = re.compile(r"`(?:[\w.-]+/)*([\w-]+\.(?:h|cc|py))`")  # Of a page, with a folder or without.
TYPE = re.compile(
    r"^(?:template\s*<[^>]*>\s*)?(?:class|struct|enum class|enum)\s+(\w+)(?:\s+final)?"
    r"\s*(?::(?!:)[^;{]*)?\{", re.MULTILINE)  # fmt: skip
FUNCTION = re.compile(r"(?<![\w:.>~])([A-Z]\w+)\(")
TARGET = re.compile(
    r"\b(?:connector_(?:library|program|test)|add_library|add_executable|bench_program)\s*\(([^()]*)\)")
# What a line at the left edge defines in an anonymous namespace.
DEFINED = (
    re.compile(r"(?:template\s*<[^>]*>\s*)?(?:class|struct|enum class|enum)\s+(\w+)[^;()]*\{"),
    re.compile(r"(?:\[\[maybe_unused\]\] )?(?:inline |static )*const(?:expr)?\b[^=({]*?\b(\w+)(?:\[\w*\])?\s*[={]"),
    re.compile(r"MATCHER(?:_P\d*)?\((\w+)"),
)  # fmt: skip
DEFINED_FUNCTION = re.compile(r"(?:[\w:<>,*&\[\] ]+[ *&>])?(\w+)(\([^{};]*\))(?: noexcept| const)*\s*\{")
FIRST_DAY = "2026-11-30 00:00"  # Of the rule for merges; the history before it is as it is.


def read(root, name):
    with open(os.path.join(root, name), encoding="utf-8") as file:
        return file.read()


def is_product(name):
    return name.split("/")[0] in PRODUCT


def sources(names):
    return [name for name in names if name.endswith((".h", ".cc"))]


def comments(text):
    """Pairs of line number and comment text of C++."""
    for number, line in enumerate(text.splitlines(), 1):
        found = re.match(r"""(?:[^"'/]|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|/(?!/))*//(.*)""", line)
        if found:
            yield number, found[1]


def code(text):
    """The text without comments and literals."""
    text = re.sub(r'R"(\w*)\((?:.|\n)*?\)\1"', '""', text)
    return re.sub(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"', " ", text, flags=re.DOTALL)


def check_doubled_entries(root, names):
    for name in names:
        if os.path.basename(name) == "CMakeLists.txt":
            yield from doubled_in_build_list(name, read(root, name))
        elif name.endswith(".md"):
            yield from doubled_in_tables(name, read(root, name))


def doubled_in_build_list(name, text):
    text = re.sub(r"#[^\n]*", "", text)
    for call in re.findall(r"\b(?:connector_\w+|add_subdirectory)\s*\([^()]*\)", text):
        words = call.replace("(", " ").replace(")", " ").split()
        listed = [word for word in words[2:] if word.endswith(".cc") or "_" in word or "::" in word]
        if words.count("SRCS") > 1:
            yield f"{name}: {words[0]}({words[1]}) lists SRCS twice"
        for word in sorted({word for word in listed if listed.count(word) > 1}):
            yield f"{name}: '{word}' stands twice in {words[0]}({words[1]})"
    folders = re.findall(r"add_subdirectory\((\S+)\)", text)
    for folder in sorted({folder for folder in folders if folders.count(folder) > 1}):
        yield f"{name}: add_subdirectory({folder}) stands twice"


def doubled_in_tables(name, text):
    seen = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.startswith("|"):
            seen = {}
            continue
        first = line.split("|")[1].strip()
        key = first if first.startswith("`") else line
        if key in seen and not re.fullmatch(r"[|\s:-]+", line):
            yield f"{name}:{number}: this row stands in line {seen[key]} already: {key[:60]}"
        seen.setdefault(key, number)


def check_paths(root, names):
    """Paths in comments and pages, and files that these name by name alone, that do not exist."""
    known = set(names)
    folders = {"/".join(name.split("/")[:depth]) + "/"
               for name in names for depth in range(1, name.count("/") + 1)}  # fmt: skip
    basenames = {os.path.basename(name) for name in names}
    for name in names:
        if name.startswith(("tests/data/", "tests/fuzz/corpus/", "tests/tooling/")) or \
                name == "CHANGELOG.md" or name.startswith("tests/linting/"):  # fmt: skip
            continue
        if name.endswith(".md"):
            lines = list(enumerate(read(root, name).splitlines(), 1))
        elif name.endswith((".h", ".cc", ".proto")):
            lines = list(comments(read(root, name)))
        elif name.endswith((".py", ".cmake", "CMakeLists.txt")):
            lines = [(number, line.split("#", 1)[1])
                     for number, line in enumerate(read(root, name).splitlines(), 1) if "#" in line]  # fmt: skip
        else:
            continue
        for number, line in lines:
            for path in PATH.findall(line):
                if path not in known and path not in folders and path + "/" not in folders:
                    yield f"{name}:{number}: {path} does not exist"
            named = SOURCE_NAME if name.endswith((".h", ".cc")) else QUOTED_NAME if name.endswith(".md") else None
            for source in named.findall(line) if named else ():
                if source not in basenames:
                    yield f"{name}:{number}: there is no file {source}"


def check_citations(root, names):
    """A comment or page cites only what is in the repository, and a rule by a heading that is there."""
    rules = set()
    if "docs/rules.md" in names:
        rules = set(re.findall(r"^#+ (.+?)\s*$", read(root, "docs/rules.md"), re.MULTILINE))
    for name in names:
        if name.startswith(("tests/data/", "tests/fuzz/corpus/", "tests/linting/", "tests/tooling/")) or \
                not name.endswith((".h", ".cc", ".md", ".py", ".proto", ".yaml", ".cmake", ".txt")):  # fmt: skip
            continue
        text = read(root, name)
        for number, line in enumerate(text.splitlines(), 1):
            found = ELSEWHERE.search(line)
            if found:
                yield f"{name}:{number}: '{found[0]}' is not in this repository"
        for cited in CITED_RULE.finditer(text):
            title = re.sub(r"\s*(?:\n\s*(?://|#)?)\s*", " ", cited[1])
            if title not in rules:
                number = text.count("\n", 0, cited.start()) + 1
                yield f'{name}:{number}: docs/rules.md has no heading "{title}"'


def check_gone_words(root, names):
    gone = re.compile(r"\b(" + "|".join(GONE) + r")\b")
    for name in names:
        if not name.endswith((".h", ".cc", ".py", ".proto", ".md")) or name == "CHANGELOG.md" or \
                name.startswith(("tests/linting/", "tests/tooling/", "tests/data/")):  # fmt: skip
            continue
        for number, line in enumerate(read(root, name).splitlines(), 1):
            found = gone.search(line)
            if found:
                yield f"{name}:{number}: '{found[0]}' is a word of ours: docs/glossary.md has the field's"


def check_unique_names(root, names):
    """One meaning for each name: types of product code, and files but the siblings of each program."""
    types, files = {}, {}
    for name in sources(names):
        if not is_product(name):
            continue
        base = os.path.basename(name)
        files.setdefault(base, set()).add(name)
        text = code(read(root, name))
        if name.endswith(".h"):
            for declared in TYPE.findall(text):
                types.setdefault(declared, set()).add(name)
    for base, places in sorted(files.items()):
        if len(places) > 1 and base not in SIBLINGS:
            yield f"{base} stands more than once: {', '.join(sorted(places))}"
    for declared, places in sorted(types.items()):
        if declared in GONE_TYPES:
            yield f"type {declared} is a word of ours: {', '.join(sorted(places))}"
        if len(places) > 1:
            yield f"type {declared} has more than one meaning: {', '.join(sorted(places))}"


def folder_of(path):
    """A program's feature or a library: 'broker/secrets' also for 'broker/secrets/vault/x.h'."""
    parts = path.split("/")
    return "/".join(parts[:2]) if len(parts) > 2 else parts[0]


def check_cycles(root, names):
    """No folder includes another that includes it, by whatever way round; nor does a file."""
    by_folder, by_file = {}, {}
    for name in sources(names):
        if not is_product(name):
            continue
        for included in re.findall(r'^\s*#\s*include\s*"([^"]+)"', read(root, name), re.MULTILINE):
            if not is_product(included):
                continue
            by_file.setdefault(name, set()).add(included)
            if folder_of(name) != folder_of(included):
                by_folder.setdefault(folder_of(name), set()).add(folder_of(included))
    for graph in (by_folder, by_file):
        for cycle in cycles(graph):
            yield "these include each other: " + " -> ".join(cycle)


def cycles(graph):
    """One cycle of each strongly connected part."""
    done, on_path = set(), []

    def visit(node):
        if node in on_path:
            return [*on_path[on_path.index(node):], node]
        if node in done:
            return None
        on_path.append(node)
        for other in sorted(graph.get(node, ())):
            found = visit(other)
            if found:
                on_path.pop()
                done.add(node)
                return found
        on_path.pop()
        done.add(node)
        return None

    for node in sorted(graph):
        found = visit(node)
        if found:
            yield found


def check_only_tests_call(root, names):
    """Functions of product headers that product code never calls, while tests do."""
    product, tests, declared = {}, set(), {}
    for name in sources(names):
        text = code(read(root, name))
        if not is_product(name):
            tests.update(re.findall(r"\b[A-Z]\w+\b", text))
            continue
        for line in text.splitlines():
            words = re.findall(r"\b[A-Z]\w+\b", line)
            # Declarations and definitions of functions start a line; calls stand within one.
            defined = set()
            if re.match(r"(?:\[\[nodiscard\]\]|[A-Za-z_]|:: ?)", line.lstrip()) and \
                    (name.endswith(".h") or not line.startswith((" ", "}"))):  # fmt: skip
                found = re.search(r"(?:^|[\s*&:])(\w+)\(", line)
                if found and not re.match(r"\s*(?:return|co_return|if|while|for|switch)\b", line):
                    before = line[: found.start(1)].strip()
                    if before and not before.endswith(("=", "(", ",", "return", "<", "!", ".", "->", "?")):
                        defined.add(found[1])
                        if name.endswith(".h") and not line.rstrip().endswith("override;"):
                            declared.setdefault(found[1], name)
            for word in words:
                if word not in defined:
                    product[word] = product.get(word, 0) + 1
    for function, header in sorted(declared.items()):
        if function in tests and not product.get(function):
            yield f"{header}: only tests call {function}"


def check_anonymous_names(root, names):
    """Sources of one target share no name of an anonymous namespace: they are compiled as one."""
    known = set(names)
    for build_list in names:
        if os.path.basename(build_list) != "CMakeLists.txt":
            continue
        folder = os.path.dirname(build_list)
        for target in TARGET.findall(read(root, build_list)):
            seen = {}
            for word in dict.fromkeys(target.split()):
                source = os.path.normpath(os.path.join(folder, word))
                if not word.endswith(".cc") or source not in known:
                    continue
                for key in anonymous_names(read(root, source)):
                    if seen.setdefault(key, source) != source:
                        yield f"{source}: {key[1]} is a name of {seen[key]} too, in the same target"


def anonymous_names(text):
    """{(namespaces, name and a function's types)}: what the anonymous namespaces of a source define."""
    text = re.sub(r'R"(\w*)\((?:.|\n)*?\)\1"', '""', text)
    found, path, lines = set(), [], text.splitlines()
    for number, line in enumerate(lines):
        opened = re.match(r"(?:inline )?namespace\s*([\w:]*)\s*\{$", line)
        if opened:
            path.append(opened[1])
        elif re.match(r"\}\s*// namespace", line) and path:
            path.pop()
        elif "" in path and re.match(r"[A-Za-z\[:]", line):
            where = "::".join(path)
            rest = " ".join(each.strip() for each in code("\n".join(lines[number : number + 9])).splitlines())
            named = next(filter(None, (each.match(rest) for each in DEFINED)), None)
            if named:
                found.add((where, named[1]))
            elif not re.match(r"(?:TEST|INSTANTIATE|using|return|template)\b|[A-Z_]+\(", rest):
                function = DEFINED_FUNCTION.match(rest)
                if function:
                    types = re.sub(r"\s+\w+\s*(?=[,)])", "", function[2])  # Without the names.
                    found.add((where, function[1] + re.sub(r"\s", "", types)))
    return found


def check_merges(root, _names):
    """A merge says what came, not from which branch."""
    done = subprocess.run(
        ["git", "-C", root, "log", "--merges", "--since", FIRST_DAY, "--format=%h %s"],
        capture_output=True, text=True,
    )  # fmt: skip
    for line in done.stdout.splitlines():
        if re.match(r"\w+ Merge (?:remote-tracking )?branch ", line):
            yield f"commit {line}: name what was merged, or rebase"


CHECKS = [check_doubled_entries, check_paths, check_citations, check_gone_words, check_unique_names,
          check_cycles, check_only_tests_call, check_anonymous_names, check_merges]  # fmt: skip

"""The mutants of a source in C++ or Python: one changed constant, sign, comparison or condition, or a statement left
out. What only words a message, states an option's range or documents is left alone."""

import io
import re
import tokenize

# Pattern in code without strings and comments; what takes its place, or a function of the match and the line.
NUMBERS = [
    (r"(?<![\w.\"])(\d+)(?![\w.\"'])", lambda m, _: str(int(m[1]) + 1)),
    (r"(?<![\w.])(\d+\.\d+)(?![\w.])", lambda m, _: str(float(m[1]) + 1)),
    (r"(?<![\w.])-(?=[\w(])", ""),
]
OPERATORS = [
    (r" \+ ", " - "), (r" - ", " + "), (r" \* ", " / "), (r" / ", " * "), (r" \+= ", " -= "), (r" -= ", " += "),
    (r" < (?!<)", " <= "), (r" <= ", " < "), (r" > (?!>)", " >= "), (r" >= ", " > "), (r" == ", " != "),
    (r" != ", " == "),
]

CPP_SWAPS = [
    *OPERATORS, (r" && ", " || "), (r" \|\| ", " && "),
    (r"\bstd::min\b", "std::max"), (r"\bstd::max\b", "std::min"), (r"\btrue\b", "false"), (r"\bfalse\b", "true"),
    (r"\bif \((?!const|auto)([^;{]*)\) ", lambda m, line: f"if (!({line[m.start(1):m.end(1)]})) "), *NUMBERS,
]
CPP_STATEMENT = re.compile(
    r"^(\s+)(?!return|throw|const|auto|using|case|break|continue|static|for|if|else|while|std::\w+<)"
    r"[\w.\->\[\]:()]+(\(.*\)| [+*/-]?= .*);$")
CPP_WORDING = re.compile(r"throw |format_text|require|check_|TORCH_CHECK|^\s*d\(|^\s*\"|\{\.(min|max)\b|^\s*#|"
                         r"static_assert|NOISESCOPE_|kWhere|^using|^template|reserve\(")

PYTHON_SWAPS = [
    *OPERATORS, (r" and ", " or "), (r" or ", " and "), (r"\bmin\(", "max("), (r"\bmax\(", "min("),
    (r"\bTrue\b", "False"), (r"\bFalse\b", "True"), (r" is None\b", " is not None"), (r" is not None\b", " is None"),
    (r" not in ", " in "), (r"\bif (?!not )([^:]*):", lambda m, line: f"if not ({line[m.start(1):m.end(1)]}):"),
    *NUMBERS,
]
PYTHON_STATEMENT = re.compile(r"^(\s+)(?!return|raise|from|import|yield|with|for|if|else|while|def|class|@)"
                              r"[\w.\[\]]+(\(.*\)| [+*/-]?= .*)$")
PYTHON_WORDING = re.compile(r"raise |warn\(|^\s*@|^from |^import |__all__|TypeVar|TypeAlias|^    from ")


def cpp_code(text):
    """The lines with strings and trailing comments as spaces, so that places stay; the body of describe() is empty."""
    describing = False
    for line in text.split("\n"):
        describing = line.startswith("void describe") or (describing and line != "}")
        line = re.sub(r"\"(\\.|[^\"\\])*\"|'(\\.|[^'\\])'", lambda m: " " * len(m[0]), line)
        yield "" if describing else re.sub(r"//.*$", lambda m: " " * len(m[0]), line)


def python_code(text):
    """The lines with strings and comments as spaces, so that places stay."""
    lines = [list(line) for line in text.split("\n")]
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type in (tokenize.STRING, tokenize.COMMENT):
            (row, start), (last, end) = token.start, token.end
            for number in range(row, last + 1):
                line = lines[number - 1]
                begin, stop = start if number == row else 0, end if number == last else len(line)
                line[begin:stop] = " " * (stop - begin)
    return ("".join(line) for line in lines)


LANGUAGES = {  # swaps, a statement that can go, what takes its place, lines left alone, code without strings
    ".cpp": (CPP_SWAPS, CPP_STATEMENT, ";", CPP_WORDING, cpp_code),
    ".py": (PYTHON_SWAPS, PYTHON_STATEMENT, "pass", PYTHON_WORDING, python_code),
}


def mutants_of(path):
    """(line number, changed line) of every mutant of a source."""
    swaps, statement, nothing, wording, code_of = LANGUAGES[path.suffix]
    text = path.read_text(encoding="utf-8")
    for number, (line, code) in enumerate(zip(text.split("\n"), code_of(text), strict=True), 1):
        if not code.strip() or wording.search(line):
            continue
        for pattern, replacement in swaps:
            for match in re.finditer(pattern, code):
                new = replacement if isinstance(replacement, str) else replacement(match, line)
                yield number, line[:match.start()] + new + line[match.end():]
        found = statement.match(code.rstrip())
        if found:
            yield number, found[1] + nothing

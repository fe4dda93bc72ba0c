"""What is on a disk after the power went: a file system of which only what was synced is sure.

`read_log` reads what shim.cpp wrote. `Disk` takes its changes one by one; `after_power_loss` gives one of the states
that POSIX allows then: of what was not synced, any change of names may be missing, and any write missing, torn or zero.
"""

import dataclasses
import pathlib

SECTOR = 512


@dataclasses.dataclass(frozen=True)
class Change:
    kind: str
    words: tuple
    data: bytes = b""


def read_log(path):
    """The changes, in their order."""
    changes, log = [], pathlib.Path(path).read_bytes()
    at = 0
    while at < len(log):
        end = log.index(b"\n", at)
        kind, *words = log[at:end].decode().split("\t")
        at = end + 1
        data = b""
        if kind == "write":
            data = log[at:at + int(words[2])]
            at += len(data)
        changes.append(Change(kind, tuple(words), data))
    return changes


class File:
    def __init__(self):
        self.safe = b""  # synced
        self.pending = []  # ("write", offset, bytes) and ("truncate", length)

    def sync(self):
        self.safe = applied(self.safe, self.pending)
        self.pending = []


def applied(content, changes):
    content = bytearray(content)
    for change in changes:
        if change[0] == "truncate":
            length = change[1]
            content[length:] = bytes(max(0, length - len(content)))
        else:
            _, offset, data = change
            content.extend(bytes(max(0, offset - len(content))))
            content[offset:offset + len(data)] = data
    return bytes(content)


class Folder:
    def __init__(self):
        self.names = {}  # as the program sees them: name -> File or Folder
        self.safe = {}
        self.pending = []  # shared lists [done, [(folder, name, node or None), ...]]: of one change of names

    def sync(self):
        for change in self.pending:
            settle(change)
        self.pending = []


def settle(change):
    """Makes one change of names sure, in all folders that it touches."""
    if change["done"]:
        return
    change["done"] = True
    for folder, name, node in change["entries"]:
        if node is None:
            folder.safe.pop(name, None)
        else:
            folder.safe[name] = node


class Disk:
    """`root`: the folder that was watched."""

    def __init__(self, root):
        self.root, self.top, self.files = pathlib.PurePosixPath(root), Folder(), {}

    def parent_of(self, path):
        parts = pathlib.PurePosixPath(path).relative_to(self.root).parts
        folder = self.top
        for part in parts[:-1]:
            folder = folder.names[part]
        return folder, parts[-1] if parts else ""

    def folder_at(self, path):
        folder, name = self.parent_of(path)
        return folder.names[name] if name else folder

    def rename_entries(self, *entries):
        change = {"done": False, "entries": entries}
        for folder, name, node in entries:
            if node is None:
                folder.names.pop(name, None)
            else:
                folder.names[name] = node
            folder.pending.append(change)

    def take(self, change):
        getattr(self, change.kind)(*change.words, *([change.data] if change.kind == "write" else []))

    def create(self, inode, path):
        folder, name = self.parent_of(path)
        self.files[inode] = File()
        self.rename_entries((folder, name, self.files[inode]))

    def truncate(self, inode, length):
        self.files.setdefault(inode, File()).pending.append(("truncate", int(length)))

    def write(self, inode, offset, _, data):
        self.files[inode].pending.append(("write", int(offset), data))

    def sync(self, inode):
        self.files[inode].sync()

    def syncdir(self, path):
        self.folder_at(path).sync()

    def rename(self, old, new):
        (folder, name), (target, new_name) = self.parent_of(old), self.parent_of(new)
        self.rename_entries((folder, name, None), (target, new_name, folder.names[name]))

    def remove(self, path):
        folder, name = self.parent_of(path)
        self.rename_entries((folder, name, None))

    def mkdir(self, path):
        folder, name = self.parent_of(path)
        self.rename_entries((folder, name, Folder()))

    # --- power loss ----------------------------------------------------------------------------------------------

    def after_power_loss(self, mode, generator, target):
        """Writes a state that is allowed into the folder `target`. `mode`: synced (nothing more than is sure), names
        (all changes of names, no unsynced data), all (everything), or torn (anything between)."""
        write_folder(self.top, mode, generator, pathlib.Path(target))


def names_left(folder, mode, generator):
    """Names of a folder after the power went. Of each name, changes are made good in their order."""
    if mode == "synced":
        return dict(folder.safe)
    names, stopped = dict(folder.safe), set()
    for change in folder.pending:
        if change["done"]:
            continue
        touched = {name for where, name, _ in change["entries"] if where is folder}
        keeps = mode != "torn" or change.setdefault("fate", generator.random() < 0.6)
        if not keeps or touched & stopped:
            stopped |= touched
            continue
        for where, name, node in change["entries"]:
            if where is not folder:
                continue
            names.pop(name, None) if node is None else names.__setitem__(name, node)
    return names


def content_left(file, mode, generator):
    if mode == "all":
        return applied(file.safe, file.pending)
    if mode == "synced" or not file.pending:
        return file.safe
    if mode == "names":  # the length that was written, without what was written there
        length = len(applied(file.safe, file.pending))
        return applied(file.safe, [("truncate", length)]) if generator.random() < 0.5 else file.safe
    kept = []
    for change in file.pending:
        fate = generator.random()
        if fate < 0.4 or change[0] == "truncate":
            kept.append(change)
        elif fate < 0.7:
            kept.append(("write", change[1], change[2][:generator.randrange(len(change[2])) // SECTOR * SECTOR]))
    return applied(file.safe, kept)


def write_folder(folder, mode, generator, target):
    target.mkdir(parents=True, exist_ok=True)
    for name, node in names_left(folder, mode, generator).items():
        if isinstance(node, Folder):
            write_folder(node, mode, generator, target / name)
        else:
            (target / name).write_bytes(content_left(node, mode, generator))

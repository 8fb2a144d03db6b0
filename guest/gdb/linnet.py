# SPDX-License-Identifier: MIT
"""Commands for a gdb that debugs a kernel module in Linnet: see docs/debugging.md.

    (gdb) source linnet.py
    (gdb) linnet-kernel kallsyms
    (gdb) linnet-module blinker.ko

linnet-kernel reads names and addresses from a copy of the guest's /proc/kallsyms, for kernels whose
debugging information is not at hand. With names for its functions gdb knows where they begin, which
it has to know to step over a call.

linnet-module waits until the guest loads that module, stops before the module's init, and reads its
symbols at the addresses that the kernel has given to it.

The kernel keeps a list of the module's sections for /sys/module/NAME/sections. Its type is private
to the kernel, so that no module's debugging information has it; but each entry begins with the
attribute's name. The two forms that it has had are tried, and one is right if its address of
.init.text is where the module's init function says that it must be.

gdb moves the sections of a relocatable file only when the file gives all of them the address 0.
Linkers for RISC-V leave others in modules, hence a copy without.
"""

import atexit
import os
import struct
import tempfile

import gdb

MAX_SECTIONS = 256


class Mistake(gdb.GdbError):
    """What a user did wrong; gdb shows the text alone."""


def temporary_file(data, suffix):
    """It goes when gdb ends, which reads it whenever it likes."""
    handle, path = tempfile.mkstemp(prefix="linnet-", suffix=suffix)
    atexit.register(os.unlink, path)
    with os.fdopen(handle, "wb") as f:
        f.write(data)
    return path


def layouts(attribute_type):
    """Start of the list, length of an entry, and the place of the address in it."""
    size = attribute_type.sizeof
    private = next(f.bitpos // 8 for f in attribute_type.fields() if f.name == "private")
    return ((48, size + 8, size), (40, size, private))


def read_word(address):
    return int.from_bytes(bytes(gdb.selected_inferior().read_memory(address, 8)), "little")


def read_name(address):
    text = bytes(gdb.selected_inferior().read_memory(address, 64))
    return text.split(b"\0")[0].decode("ascii", "replace")


def read_sections(list_address, layout):
    start, step, place = layout
    sections = {}
    for i in range(MAX_SECTIONS):
        entry = list_address + start + i * step
        try:
            name = read_name(read_word(entry))
            if name[:1] not in (".", "_"):
                break
            sections[name] = read_word(entry + place)
        except gdb.MemoryError:
            break
    return sections


class Elf:
    """A 64-bit little-endian ELF file, as far as it is needed here."""

    def __init__(self, path):
        with open(path, "rb") as f:
            self.data = bytearray(f.read())
        if self.data[:6] != b"\x7fELF\x02\x01":
            raise Mistake("%s: not a module: no 64-bit little-endian ELF file" % path)
        (table,) = struct.unpack_from("<Q", self.data, 0x28)  # e_shoff
        size, count = struct.unpack_from("<HH", self.data, 0x3A)  # e_shentsize, e_shnum
        self.headers = [table + i * size for i in range(count)]

    def symbols(self):
        """(place in the file, name's place, value) of each."""
        for header in self.headers:
            (kind,) = struct.unpack_from("<I", self.data, header + 4)
            if kind != 2:  # SHT_SYMTAB
                continue
            at, size, link = struct.unpack_from("<QQI", self.data, header + 0x18)
            (names,) = struct.unpack_from("<Q", self.data, self.headers[link] + 0x18)
            for entry in range(at, at + size, 24):
                name, value = struct.unpack_from("<I4xQ", self.data, entry)
                yield entry, names + name, value

    def symbol(self, wanted):
        """Its value, which counts from the start of its section; None when there is none."""
        for _, name, value in self.symbols():
            if self.data.startswith(wanted.encode() + b"\0", name):
                return value
        return None

    def skip_nops(self):
        """Functions begin behind the room for the kernel's tracer, as the debugging information
        has it; else a breakpoint would be in both places."""
        for entry, _, value in self.symbols():
            kind, section = struct.unpack_from("<B1xH", self.data, entry + 4)
            if kind & 15 != 2 or section >= len(self.headers):  # STT_FUNC
                continue
            (start,) = struct.unpack_from("<Q", self.data, self.headers[section] + 0x18)
            at = start + value
            while True:
                if self.data.startswith(b"\x01\x00", at):  # c.nop
                    at += 2
                elif self.data.startswith(b"\x13\x00\x00\x00", at):  # nop
                    at += 4
                else:
                    break
            struct.pack_into("<Q", self.data, entry + 8, at - start)

    def copy_without_addresses(self):
        """A file with all sections at 0."""
        for header in self.headers:
            struct.pack_into("<Q", self.data, header + 0x10, 0)  # sh_addr
        return temporary_file(self.data, ".ko")


class ModuleFile:
    """What the file says about the types of the kernel that it was built for."""

    def __init__(self, path):
        self.path = path
        self.name = os.path.basename(path)[: -len(".ko")].replace("-", "_")
        elf = Elf(path)
        self.init_offset = elf.symbol("init_module")
        if self.init_offset is None:
            raise Mistake("%s: it has no init function, so there is nothing to stop at" % path)
        elf.skip_nops()
        self.copy = elf.copy_without_addresses()
        gdb.execute("add-symbol-file " + self.copy, to_string=True)
        module = gdb.lookup_type("struct module")
        at = {f.name: f.bitpos // 8 for f in module.fields()}
        self.name_at, self.init_at, self.list_at = at["name"], at["init"], at["sect_attrs"]
        self.layouts = layouts(gdb.lookup_type("struct bin_attribute"))
        gdb.execute("remove-symbol-file " + self.copy, to_string=True)

    def sections(self, module):
        init = read_word(module + self.init_at) - self.init_offset
        for layout in self.layouts:
            found = read_sections(read_word(module + self.list_at), layout)
            if found.get(".init.text") == init:
                return found
        raise Mistake("%s: this kernel keeps its list of sections in a form unknown here; use "
                      "add-symbol-file with the guest's /sys/module/%s/sections"
                      % (self.path, self.name))

    def add_symbols(self, sections):
        wanted = [(n, a) for n, a in sections.items() if n not in (".symtab", ".strtab")]
        options = "".join(" -s %s 0x%x" % pair for pair in wanted)
        gdb.execute("add-symbol-file %s%s" % (self.copy, options), to_string=True)


def read_kallsyms(path):
    """(address, is code, name) of what is the kernel's own, by address."""
    symbols = []
    with open(path, encoding="ascii", errors="replace") as f:
        for line in f:
            words = line.split()
            if len(words) == 3 and words[1] not in "aA":
                symbols.append((int(words[0], 16), words[1] in "tTwW", words[2]))
    symbols.sort()
    if not symbols or not symbols[-1][0]:
        raise Mistake("%s: no addresses in there; copy /proc/kallsyms as root" % path)
    return symbols


def symbol_table(symbols, code_section):
    table, names = [bytes(24)], [b"\0"]
    at = 1
    ends = [s[0] for s in symbols[1:]] + [symbols[-1][0]]
    for (address, is_code, name), end in zip(symbols, ends):
        info = 0x12 if is_code else 0x11  # STB_GLOBAL; STT_FUNC, STT_OBJECT
        section = code_section if is_code else 0xFFF1  # SHN_ABS
        table.append(struct.pack("<IBBHQQ", at, info, 0, section, address, end - address))
        names.append(name.encode() + b"\0")
        at += len(names[-1])
    return b"".join(table), b"".join(names)


def symbol_file(symbols):
    """An ELF file for RISC-V with these symbols and nothing else."""
    code = [s[0] for s in symbols if s[1]]
    table, names = symbol_table(symbols, 1)
    section_names = b"\0.text\0.symtab\0.strtab\0.shstrtab\0"
    header = 64
    at = header, header + len(table), header + len(table) + len(names)
    end = -(-(at[2] + len(section_names)) // 8) * 8
    # Name, kind, flags, address, offset, size, link, info, alignment, size of an entry.
    sections = [
        (0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
        (1, 8, 6, code[0], header, code[-1] + 1 - code[0], 0, 0, 2, 0),  # NOBITS, ALLOC + EXEC
        (7, 2, 0, 0, at[0], len(table), 3, 1, 8, 24),
        (15, 3, 0, 0, at[1], len(names), 0, 0, 1, 0),
        (23, 3, 0, 0, at[2], len(section_names), 0, 0, 1, 0),
    ]
    data = b"\x7fELF\x02\x01\x01" + bytes(9)
    # ET_EXEC, EM_RISCV, flags: compressed instructions, doubles in registers.
    data += struct.pack("<HHIQQQIHHHHHH", 2, 243, 1, 0, 0, end, 5, 64, 0, 0, 64, len(sections), 4)
    data += table + names + section_names
    data += bytes(end - len(data))
    return data + b"".join(struct.pack("<IIQQQQIIQQ", *s) for s in sections)


class LinnetKernel(gdb.Command):
    """Read names and addresses of the kernel from a copy of the guest's /proc/kallsyms.
linnet-kernel FILE"""

    def __init__(self):
        super().__init__("linnet-kernel", gdb.COMMAND_FILES, gdb.COMPLETE_FILENAME)

    def invoke(self, argument, from_tty):
        words = gdb.string_to_argv(argument)
        if len(words) != 1:
            raise Mistake("linnet-kernel FILE")
        try:
            symbols = read_kallsyms(words[0])
        except OSError as e:
            raise Mistake("%s: %s" % (words[0], e.strerror)) from None
        path = temporary_file(symbol_file(symbols), ".elf")
        confirm = gdb.parameter("confirm")
        gdb.execute("set confirm off")
        gdb.execute("add-symbol-file " + path, to_string=True)
        gdb.execute("set confirm " + ("on" if confirm else "off"))
        print("%d symbols of the kernel" % len(symbols))


class LinnetModule(gdb.Command):
    """Wait for the guest to load a module, and read its symbols.
linnet-module FILE.ko"""

    def __init__(self):
        super().__init__("linnet-module", gdb.COMMAND_FILES, gdb.COMPLETE_FILENAME)

    def invoke(self, argument, from_tty):
        words = gdb.string_to_argv(argument)
        if len(words) != 1 or not words[0].endswith(".ko"):
            raise Mistake("linnet-module FILE.ko")
        try:
            where = "*%d" % int(gdb.parse_and_eval("(unsigned long)&do_init_module"))
        except gdb.error:
            raise Mistake("the kernel's symbols come first: linnet-kernel FILE") from None
        confirm = gdb.parameter("confirm")
        gdb.execute("set confirm off")
        try:
            module = ModuleFile(words[0])
            self.wait(module, where)
        finally:
            gdb.execute("set confirm " + ("on" if confirm else "off"))

    @staticmethod
    def wait(module, where):
        stop = gdb.Breakpoint(where, internal=True)
        stop.silent = True
        try:
            while True:
                gdb.execute("continue", to_string=True)
                if not stop.is_valid() or not gdb.selected_thread():
                    raise Mistake("the guest has ended")
                if stop.hit_count == 0:
                    raise Mistake("stopped elsewhere; the module was not loaded yet")
                stop.hit_count = 0
                address = int(gdb.parse_and_eval("(unsigned long)$a0"))
                if read_name(address + module.name_at) == module.name:
                    break
        finally:
            if stop.is_valid():
                stop.delete()
        module.add_symbols(module.sections(address))
        print("%s: loaded at 0x%x, its init has not run" % (module.name, address))


LinnetKernel()
LinnetModule()

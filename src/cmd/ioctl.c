/* SPDX-License-Identifier: MIT */
/*
 * The names come from the header that the drivers and their programs are compiled with. So does the
 * layout of a number, as <asm-generic/ioctl.h> has it.
 */
#include "cmd/ioctl.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/bits.h"
#include "base/err.h"
#include "base/opt.h"
#include "cmd/command.h"
#include "guest/drivers/include/linnet/ioctl.h"

#define ENTRY(name) {name, #name},
static const struct {
	uint32_t cmd;
	const char *name;
} known[] = {LINNET_IOCTLS(ENTRY)};
#undef ENTRY

static const struct {
	uint32_t type;
	const char *driver;
} drivers[] = {
	{LINNET_IOC_SCULL, "scull"},
	{LINNET_IOC_KXO, "kxo"},
	{LINNET_IOC_IRQLAB, "irqlab"},
	{LINNET_IOC_CMDQU, "duo_mailbox"},
};

/* As a program sees it, which is how the macros _IOR and _IOW are called. */
static const char *direction(uint32_t cmd)
{
	switch (_IOC_DIR(cmd)) {
	case _IOC_NONE: return "none";
	case _IOC_READ: return "read";
	case _IOC_WRITE: return "write";
	default: return "read+write";
	}
}

static const char *driver_of(uint32_t cmd)
{
	for (unsigned i = 0; i < ARRAY_SIZE(drivers); i++)
		if (drivers[i].type == _IOC_TYPE(cmd))
			return drivers[i].driver;
	return NULL;
}

static const char *name_of(uint32_t cmd)
{
	for (unsigned i = 0; i < ARRAY_SIZE(known); i++)
		if (known[i].cmd == cmd)
			return known[i].name;
	return NULL;
}

int ioctl_parse(const char *text, uint32_t *cmd, struct err *e)
{
	bool negative = text[0] == '-';
	uint64_t value;
	int ret;

	for (unsigned i = 0; i < ARRAY_SIZE(known); i++)
		if (!strcmp(known[i].name, text)) {
			*cmd = known[i].cmd;
			return 0;
		}
	ret = opt_parse_uint("", text + negative, 0, negative ? 1u << 31 : UINT32_MAX, &value, e);
	if (ret)
		return err_set(
			e, ret,
			"%.100s: give the number of an ioctl command, such as 0x5421, or the "
			"name of one of Linnet's drivers",
			text);
	*cmd = (uint32_t)(negative ? -value : value);
	return 0;
}

void ioctl_format(uint32_t cmd, char out[IOCTL_LINE])
{
	const char *name = name_of(cmd), *driver = driver_of(cmd);
	unsigned type = _IOC_TYPE(cmd);
	char letter[8] = "";

	if (isgraph((int)type))
		snprintf(letter, sizeof(letter), " '%c'", (char)type);
	snprintf(out, IOCTL_LINE, "0x%08x direction %s size %u type 0x%02x%s number %u%s%s%s%s",
		 cmd, direction(cmd), (unsigned)_IOC_SIZE(cmd), type, letter,
		 (unsigned)_IOC_NR(cmd), driver ? " of " : "", driver ? driver : "",
		 name ? ": " : "", name ? name : "");
}

static int decode(const char *text)
{
	char line[IOCTL_LINE];
	struct err e = {0};
	uint32_t cmd;

	if (ioctl_parse(text, &cmd, &e)) {
		fprintf(stderr, "linnet ioctl: %s\n", e.text);
		return 2;
	}
	ioctl_format(cmd, line);
	printf("%s\n", line);
	return 0;
}

static int cmd_ioctl(int argc, char **argv)
{
	int used, status;

	if (!command_parse(&ioctl_command, NULL, argc, argv, &used, &status))
		return status;
	if (used == argc || strcmp(argv[used], "decode") || argc - used < 2) {
		fprintf(stderr, "linnet ioctl: give decode and numbers; see linnet ioctl --help\n");
		return 2;
	}
	status = 0;
	for (int i = used + 1; i < argc; i++)
		if (decode(argv[i]))
			status = 2;
	return status;
}

const struct command ioctl_command = {
	.name = "ioctl",
	.help = "tell what an ioctl command is made of",
	.run = cmd_ioctl,
	.usage = "decode NUMBER...",
	.about = "Prints direction, size, type and number of each ioctl command, and its name if\n"
		 "it is one of Linnet's own drivers. NUMBER is as strace -X raw, a program or a\n"
		 "kernel's log prints it (0x8004d505, -2147166971), or such a name.",
	.options = command_no_options,
};

/* SPDX-License-Identifier: MIT */
/* What the man page of `linnet run` says beside the options. */
#include <stddef.h>

#include "cmd/command.h"
#include "cmd/run.h"

const struct command_chapter run_chapters[] = {
	{"CONFIGURATION FILES",
	 "The file of --config is one JSON object. Its keys are the names of options, without "
	 "dashes; a switch is true or false, a size is a string or a number of bytes. An option "
	 "that can be given several times takes an array, and one whose value is a list of keys "
	 "also an object. What stands before the keys is named there too: \"type\" for --net, "
	 "\"format\" for --ring.\n\n"
	 "  {\n"
	 "    \"mem\": \"1G\",\n"
	 "    \"smp\": 2,\n"
	 "    \"disk\": [{\"path\": \"big.img\", \"snapshot\": true}, \"data.img,ro=on\"],\n"
	 "    \"net\": {\"type\": \"user\", \"hostfwd\": [\"tcp:127.0.0.1:2222-:22\"]},\n"
	 "    \"file\": [\"foo.ko:/foo.ko\"]\n"
	 "  }\n\n"
	 "What is given on the command line too wins over the file; what can be repeated is added "
	 "to what the file has. As on the command line, a path is relative to the current "
	 "directory, wherever the file is."},
	{"PARTS ON A DUO'S BUSES",
	 "--spi BUS:SELECT=KIND[,KEY=VALUE]...: KIND is flash,path=F[,ro=on]; adc; loopback; "
	 "shift; "
	 "expander[,address=0..3]; or unix:PATH, a part that another program plays. All but unix "
	 "take chain=on (behind the part before it on the same select) and 3wire=on, and all "
	 "compatible=S, the driver that the device tree names.\n\n"
	 "--i2c BUS:ADDRESS=eeprom,path=F[,ro=on][,compatible=S]\n\n"
	 "--gpio PIN=PIN joins two pins, A0 to E31."},
	{"EXIT STATUS",
	 "0 after the guest has powered off or Ctrl-A x was typed, 1 when Linnet or the guest has "
	 "failed, 2 when the options are wrong, 124 when the time limit was reached, 128+N after "
	 "signal N.\n\n"
	 "With --exec it is the command's own, or 128+N when signal N has ended it; then 125 "
	 "stands "
	 "for all that is not the command's."},
	{"ENVIRONMENT",
	 "XDG_CACHE_HOME: the default guest is kept in its subdirectory linnet. The default is "
	 "~/.cache.\n\n"
	 "TERM: the guest's shell is told what kind of terminal it has."},
	{"EXAMPLES",
	 "A shell in a fresh guest:\n\n"
	 "  linnet run\n\n"
	 "Whether a module can be loaded, and what it says:\n\n"
	 "  linnet run --file my.ko:/my.ko --exec 'insmod /my.ko && dmesg | tail'\n\n"
	 "A kernel of one's own with an image of one's own, which is not written to:\n\n"
	 "  linnet run --kernel arch/riscv/boot/Image --disk path=my.img,snapshot=on\n\n"
	 "The options of a long command line as a file, for the next time:\n\n"
	 "  linnet run --mem 1G --disk my.img --dump-config >my.json\n"
	 "  linnet run --config my.json"},
	{NULL, NULL},
};

/* SPDX-License-Identifier: MIT */
/* The options of `linnet run`: what they set, and what is said of those that make no sense. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "cmd/run_options.h"

#define MAX_WORDS 80

/* Options with a copy of their words, which parsing changes. */
struct parsed {
	struct run_options o;
	struct err e;
	char *text, *word[MAX_WORDS];
	int n;
};

/* Words are parted by a blank. */
static int parse(struct parsed *p, const char *words)
{
	char *rest = NULL;

	*p = (struct parsed){.text = strdup(words)};
	assert_non_null(p->text);
	for (char *w = strtok_r(p->text, " ", &rest); w; w = strtok_r(NULL, " ", &rest)) {
		assert_true(p->n < MAX_WORDS);
		p->word[p->n++] = w;
	}
	return run_options_parse(&p->o, p->n, p->word, &p->e);
}

static void done(struct parsed *p)
{
	free(p->text);
}

static void expect_refused(const char *words, const char *why)
{
	struct parsed p;

	assert_int_equal(parse(&p, words), -EINVAL);
	if (!strstr(p.e.text, why))
		fail_msg("%s: \"%s\" does not say \"%s\"", words, p.e.text, why);
	done(&p);
}

static void test_defaults(void **state)
{
	struct parsed p;

	assert_int_equal(parse(&p, ""), 0);
	assert_int_equal(p.o.smp, 1);
	assert_int_equal(p.o.mem, 0); /* as the machine has it */
	assert_int_equal(p.o.clock, RUN_CLOCK_HOST);
	assert_int_equal(p.o.n_disks, 0);
	assert_int_equal(p.o.n_files, 0);
	assert_false(p.o.net.given);
	assert_null(p.o.exec);
	assert_int_equal(p.o.console.kind, RUN_CONSOLE_STDIO);
	done(&p);
}

static void test_values(void **state)
{
	struct parsed p;

	assert_int_equal(parse(&p, "--smp 4 --mem=1G --clock instructions -v --no-reboot "
				   "--time-limit 60 --console file:/tmp/log --exec true"),
			 0);
	assert_int_equal(p.o.smp, 4);
	assert_int_equal(p.o.mem, 1u << 30);
	assert_int_equal(p.o.clock, RUN_CLOCK_INSTRUCTIONS);
	assert_true(p.o.verbose);
	assert_true(p.o.no_reboot);
	assert_int_equal(p.o.time_limit, 60);
	assert_int_equal(p.o.console.kind, RUN_CONSOLE_FILE);
	assert_string_equal(p.o.console.path, "/tmp/log");
	assert_string_equal(p.o.exec, "true");
	done(&p);
	assert_int_equal(parse(&p, "--console file:x --console stdio"), 0);
	assert_int_equal(p.o.console.kind, RUN_CONSOLE_STDIO);
	done(&p);
	assert_int_equal(parse(&p, "--help"), OPT_WANTS_HELP);
	done(&p);
}

static void test_iothreads(void **state)
{
	struct parsed p;

	assert_int_equal(parse(&p, "--disk a.img --net user"), 0);
	assert_int_equal(p.o.iothreads.n, 0);
	assert_true(p.o.disk[0].iothread == IOTHREADS_ANY && p.o.net.iothread == IOTHREADS_ANY);
	done(&p);
	assert_int_equal(parse(&p, "--net user,iothread=2 --iothreads 3,poll=50 "
				   "--disk path=a.img,iothread=0"),
			 0);
	assert_true(p.o.iothreads.n == 3 && p.o.iothreads.poll_us == 50);
	assert_true(p.o.disk[0].iothread == 0 && p.o.net.iothread == 2);
	done(&p);
	expect_refused("--iothreads 0", "--iothreads n=0: out of range; use 1 to 16");
	expect_refused("--iothreads 17", "out of range");
	expect_refused("--iothreads 1 --net switch=/tmp/lan,iothread=0",
		       "served by `linnet switch`");
	expect_refused("--iothreads 1,poll=1001", "poll");
	expect_refused("--iothreads 2 --net user,iothread=2", "makes numbers 0 to 1");
}

static void test_disks(void **state)
{
	struct parsed p;

	assert_int_equal(parse(&p, "--disk a.img --disk path=b.img,ro=on,serial=S "
				   "--disk path=c.img,snapshot=on"),
			 0);
	assert_int_equal(p.o.n_disks, 3);
	assert_string_equal(p.o.disk[0].path, "a.img");
	assert_false(p.o.disk[0].read_only);
	assert_null(p.o.disk[0].serial);
	assert_string_equal(p.o.disk[1].path, "b.img");
	assert_true(p.o.disk[1].read_only);
	assert_string_equal(p.o.disk[1].serial, "S");
	assert_true(p.o.disk[2].snapshot);
	done(&p);
	expect_refused("--disk ro=on", "path=FILE");
	expect_refused("--disk path=", "path");
	expect_refused("--disk path=a,serial=123456789012345678901", "at most 20");
	expect_refused("--disk path=a,nothing=on", "nothing");
	expect_refused("--disk a --disk b --disk c --disk d --disk e", "at most 4");
}

static void test_net_kinds(void **state)
{
	struct parsed p;

	assert_int_equal(parse(&p, "--net tap,ifname=t0,queues=8,mtu=68,speed=40000,pcap=f"), 0);
	assert_true(p.o.net.queues == 8 && p.o.net.mtu == 68 && p.o.net.speed == 40000);
	assert_string_equal(p.o.net.pcap, "f");
	done(&p);
	assert_int_equal(parse(&p, "--net switch=/tmp/lan,mac=52:54:00:12:34:56"), 0);
	assert_int_equal(p.o.net.kind, RUN_NET_SWITCH);
	assert_string_equal(p.o.net.path, "/tmp/lan");
	done(&p);
	assert_int_equal(parse(&p, "--net switch,path=x,mtu=9000"), 0);
	assert_string_equal(p.o.net.path, "x");
	done(&p);
	assert_int_equal(parse(&p, "--net passt,socket=y"), 0);
	assert_true(p.o.net.kind == RUN_NET_PASST && !strcmp(p.o.net.path, "y"));
	done(&p);
	assert_int_equal(parse(&p, "--net user,connections=60000"), 0);
	assert_int_equal(p.o.net.conns, 60000);
	done(&p);
	expect_refused("--net user,connections=0", "connections");
	expect_refused("--net user,connections=60001", "connections");
	expect_refused("--net switch", "--net switch=PATH");
	expect_refused("--net switch=", "--net switch=PATH");
	expect_refused("--net switch=a,ifname=t0", "ifname");
	expect_refused("--net passt=a", "passt");
	expect_refused("--net passt,path=a", "path");
	expect_refused("--net swich=a", "swich");
	expect_refused("--net tap,ifname=t0,queues=0", "queues");
	expect_refused("--net tap,ifname=t0,queues=9", "queues");
	expect_refused("--net user,queues=2", "queues");
	expect_refused("--net user,mtu=67", "mtu");
	expect_refused("--net user,mtu=65536", "mtu");
	expect_refused("--net user,speed=0", "speed");
	expect_refused("--net none,pcap=f", "takes no keys");
}

static void test_net(void **state)
{
	struct parsed p;
	char many[64 * (RUN_MAX_FORWARDS + 1)] = "--net user";

	assert_int_equal(parse(&p, "--net none"), 0);
	assert_true(p.o.net.given);
	assert_int_equal(p.o.net.kind, RUN_NET_NONE);
	done(&p);
	assert_int_equal(parse(&p, "--net user,hostfwd=tcp::2222-:22,hostfwd=udp::53-:53"), 0);
	assert_int_equal(p.o.net.kind, RUN_NET_USER);
	assert_int_equal(p.o.net.n_forwards, 2);
	assert_int_equal(p.o.net.forward[0].host_port, 2222);
	assert_true(p.o.net.forward[1].udp);
	done(&p);
	assert_int_equal(parse(&p, "--net tap,ifname=t0,mac=52:54:00:Ab:cd:ef"), 0);
	assert_int_equal(p.o.net.kind, RUN_NET_TAP);
	assert_string_equal(p.o.net.ifname, "t0");
	assert_memory_equal(p.o.net.mac, "\x52\x54\x00\xab\xcd\xef", 6);
	done(&p);
	expect_refused("--net tap", "--net tap,ifname=NAME");
	expect_refused("--net tap,mac=52:54:00:12:34:56", "ifname=NAME");
	expect_refused("--net tap,ifname=t0,hostfwd=tcp::1-:1", "hostfwd");
	expect_refused("--net tap,ifname=t0,mac=", "such as 52:54:00:12:34:56");
	expect_refused("--net tap,ifname=t0,mac=52:54:00:12:34:5", "such as");
	expect_refused("--net tap,ifname=t0,mac=52:54:00:12:34:567", "such as");
	expect_refused("--net tap,ifname=t0,mac=52:54:00:12:34:zz", "such as");
	expect_refused("--net tap,ifname=t0,mac=52-54-00-12-34-56", "such as");
	expect_refused("--net tap,ifname=t0,mac=53:54:00:12:34:56", "such as");
	expect_refused("--net tap,ifname=t0,mac=00:00:00:00:00:00", "such as");
	expect_refused("--net none,hostfwd=tcp::1-:1", "takes no keys");
	expect_refused("--net user --net none", "once");
	expect_refused("--net bridge", "user");
	expect_refused("--net user,hostfwd=tcp", "hostfwd");
	for (int i = 0; i <= RUN_MAX_FORWARDS; i++)
		strncat(many, ",hostfwd=tcp::2222-:22", sizeof(many) - strlen(many) - 1);
	expect_refused(many, "at most 16");
}

static void test_files(void **state)
{
	char many[8 * MAX_WORDS + 16 * (RUN_MAX_FILES + 1)] = "";
	struct parsed p;

	/* The last colon parts them, since a host's path may hold one. */
	assert_int_equal(parse(&p, "--file a:b:/c --file my.ko:/lib/my.ko"), 0);
	assert_int_equal(p.o.n_files, 2);
	assert_string_equal(p.o.file[0].host, "a:b");
	assert_string_equal(p.o.file[0].guest, "/c");
	assert_string_equal(p.o.file[1].guest, "/lib/my.ko");
	done(&p);
	expect_refused("--file a", "HOST:GUEST");
	expect_refused("--file :/b", "HOST:GUEST");
	expect_refused("--file a:b", "absolute");
	for (int i = 0; i <= RUN_MAX_FILES; i++)
		strncat(many, "--file=a:/a ", sizeof(many) - strlen(many) - 1);
	expect_refused(many, "at most 64");
}

static void test_env(void **state)
{
	char many[8 * MAX_WORDS + 8 * (RUN_MAX_ENV + 1)] = "--exec true ";
	struct parsed p;

	assert_int_equal(parse(&p, "--exec true --cwd /tmp --env A=1 --env B="), 0);
	assert_string_equal(p.o.cwd, "/tmp");
	assert_int_equal(p.o.n_env, 2);
	assert_string_equal(p.o.env[1], "B=");
	done(&p);
	expect_refused("--exec true --env A", "NAME=VALUE");
	expect_refused("--exec true --env =1", "NAME=VALUE");
	expect_refused("--env A=1", "--env A=1: is for the command of --exec");
	expect_refused("--cwd /tmp", "--cwd /tmp: is for the command of --exec");
	for (int i = 0; i <= RUN_MAX_ENV; i++)
		strncat(many, "--env=A=1 ", sizeof(many) - strlen(many) - 1);
	expect_refused(many, "at most 64");
}

static void test_refused(void **state)
{
	expect_refused("--smp 0", "--smp");
	expect_refused("--smp 9", "--smp");
	expect_refused("--mem 1M", "--mem");
	expect_refused("--mem 17M", "multiple of 2M");
	expect_refused("--clock sun", "host");
	expect_refused("--rng maybe", "on");
	expect_refused("--console file:", "file:PATH");
	expect_refused("--console pts", "stdio, file:PATH, pty, pty,link=PATH or unix:PATH");
	expect_refused("--console unix:", "unix:PATH");
	expect_refused("--console pty,link=", "pty,link=PATH");
	expect_refused("--console pty:/x", "pty,link=PATH");
	expect_refused("--append a --append-only b", "one of them");
	expect_refused("--exec true --firmware f", "--firmware f");
	expect_refused("--exec true --initrd i", "--file");
	expect_refused("kernel", "takes options only");
	expect_refused("--memory 1G", "--mem");
}

static void test_ring(void **state)
{
	struct parsed p;

	assert_int_equal(parse(&p, ""), 0);
	assert_true(!p.o.ring.packed && p.o.ring.event_idx && p.o.ring.indirect);
	assert_true(p.o.ring.queue_reset && !p.o.ring.in_order && !p.o.ring.notification_data);
	done(&p);
	assert_int_equal(parse(&p, "--ring packed,in-order=on,notification-data=on,size=100,"
				   "queue-reset=off,access-platform=on,indirect=off"),
			 0);
	assert_true(p.o.ring.packed && p.o.ring.event_idx && !p.o.ring.indirect);
	assert_true(p.o.ring.in_order && p.o.ring.notification_data && p.o.ring.access_platform);
	assert_false(p.o.ring.queue_reset);
	assert_int_equal(p.o.ring.size, 100);
	done(&p);
	expect_refused("--ring split,size=100", "a split ring's size is a power of two");
	expect_refused("--ring packed,size=0", "size");
	expect_refused("--ring packed,size=32769", "size");
	expect_refused("--ring both", "--ring");
	expect_refused("--ring packed,in-order=perhaps", "in-order");
}

/* Parts and wires of a duo: where, what, and what only some of them take. */
static void test_wires(void **state)
{
	const struct wires *w;
	struct parsed p;

	assert_int_equal(parse(&p,
			       "--spi 0:0=flash,path=F,ro=on --spi 3:2=expander,address=3 "
			       "--spi 3:2=shift,chain=on,3wire=on --spi 1:1=unix:P,compatible=a,,b "
			       "--i2c 4:0x50=eeprom,path=E --i2c 0:81=eeprom,path=G,ro=on "
			       "--gpio A14=E31 --gpio B0=A15"),
			 0);
	w = &p.o.wires;
	assert_int_equal(w->n_spi, 4);
	assert_string_equal(w->spi[0].label, "--spi 0:0=flash");
	assert_string_equal(w->spi[0].path, "F");
	assert_true(w->spi[0].read_only);
	assert_int_equal(w->spi[1].bus, 3);
	assert_int_equal(w->spi[1].select, 2);
	assert_int_equal(w->spi[1].address, 3);
	assert_true(w->spi[2].chained && w->spi[2].joined);
	assert_int_equal(w->spi[3].kind, WIRES_UNIX);
	assert_string_equal(w->spi[3].path, "P");
	assert_string_equal(w->spi[3].compatible, "a,b");
	assert_int_equal(w->n_i2c, 2);
	assert_int_equal(w->i2c[0].address, 0x50);
	assert_int_equal(w->i2c[1].address, 81);
	assert_true(w->i2c[1].read_only);
	assert_int_equal(w->n_gpio, 2);
	assert_int_equal(w->gpio[0].end[1].port, 4);
	assert_int_equal(w->gpio[0].end[1].pin, 31);
	assert_string_equal(wires_given(w), "--spi 0:0=flash");
	done(&p);
	memset(&p.o.wires, 0, sizeof(p.o.wires));
	assert_null(wires_given(&p.o.wires));
	p.o.wires.n_gpio = 1;
	assert_string_equal(wires_given(&p.o.wires), "--gpio");
	p.o.wires.n_i2c = 1;
	assert_string_equal(wires_given(&p.o.wires), "");
}

static void test_wires_refused(void **state)
{
	expect_refused("--spi 0:0", "--spi 0:0: give BUS:SELECT=KIND");
	expect_refused("--spi 0:0adc", "give BUS:SELECT=KIND");
	expect_refused("--spi 0:0 =adc", "give BUS:SELECT=KIND");
	expect_refused("--spi 4:0=adc", "there are buses 0 to 3 with selects 0 to 3");
	expect_refused("--spi 0:-1=adc", "there are buses 0 to 3");
	expect_refused("--spi 0:0=abc", "--spi 0:0=");
	expect_refused("--spi 0:0=flash", "needs path=F");
	expect_refused("--spi 0:0=unix:", "unix:PATH");
	expect_refused("--spi 0:0=unix", "unix:PATH");
	expect_refused("--spi 0:0=adc,path=F", "path=F: has no file");
	expect_refused("--spi 0:0=adc,ro=on", "is for a flash");
	expect_refused("--spi 0:0=adc,address=1", "is for an expander");
	expect_refused("--spi 0:0=adc,colour=red", "colour");
	expect_refused("--clock instructions --spi 0:0=unix:P", "each run the same");
	expect_refused("--i2c 0:0x50", "give BUS:ADDRESS=KIND");
	expect_refused("--i2c 0:0x07=eeprom,path=F", "addresses 0x08 to 0x77");
	expect_refused("--i2c 0:-9=eeprom,path=F", "addresses 0x08 to 0x77");
	expect_refused("--i2c 0:0x50=rtc", "there is no such part");
	expect_refused("--i2c 0:0x50=eeprom", "needs path=F");
	expect_refused("--gpio A1", "give two pins");
	expect_refused("--gpio A1=F2", "give two pins");
	expect_refused("--gpio A32=A1", "give two pins");
	expect_refused("--gpio A1=A2x", "give two pins");
	expect_refused("--gpio A1=A1", "joins a pin with itself");
	expect_refused("--gpio A1=A2 --gpio A3=A1", "has a wire already");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wires),     cmocka_unit_test(test_wires_refused),
		cmocka_unit_test(test_defaults),  cmocka_unit_test(test_ring),
		cmocka_unit_test(test_values),    cmocka_unit_test(test_iothreads),
		cmocka_unit_test(test_disks),     cmocka_unit_test(test_net),
		cmocka_unit_test(test_net_kinds), cmocka_unit_test(test_files),
		cmocka_unit_test(test_env),       cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

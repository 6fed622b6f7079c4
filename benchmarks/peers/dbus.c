/* dbus - a method call "ay" -> "t" through a private dbus-daemon, with sd-bus. */
#include "../harness/machine.h"
#include "broker.h"

#include <stdio.h>
#include <stdlib.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

static char    address[160];
static pid_t   broker;
static sd_bus *buses[BENCH_LANES_MAX];

static void must(int r, const char *what)
{
	if (r < 0)
		bench_fail("dbus: %s: %s", what, strerror(-r));
}

static void write_config(const char *path)
{
	FILE *file = fopen(path, "w");

	if (file == NULL)
		bench_die(path);
	fprintf(file, "<busconfig><type>session</type><listen>%s</listen>"
	        "<auth>EXTERNAL</auth><policy context=\"default\">"
	        "<allow send_destination=\"*\" eavesdrop=\"true\"/>"
	        "<allow eavesdrop=\"true\"/><allow own=\"*\"/></policy></busconfig>\n", address);
	fclose(file);
}

static void make(struct bench_run *run)
{
	char  config[96], option[128];
	char *argv[] = { (char[]){ "dbus-daemon" }, (char[]){ "--nofork" },
	                 (char[]){ "--nopidfile" }, (char[]){ "--print-address" },
	                 option, NULL };

	snprintf(config, sizeof config, "%s/bus.conf", bench_dir());
	snprintf(address, sizeof address, "unix:path=%s/bus", bench_dir());
	snprintf(option, sizeof option, "--config-file=%s", config);
	write_config(config);
	broker = bench_broker_start(run, argv, "unix:");
}

static sd_bus *connect_bus(void)
{
	sd_bus *bus;

	must(sd_bus_new(&bus), "new");
	must(sd_bus_set_address(bus, address), "address");
	must(sd_bus_set_bus_client(bus, 1), "client");
	must(sd_bus_start(bus), "start");
	return bus;
}

static int on_call(sd_bus_message *message, void *user, sd_bus_error *error)
{
	const void *bytes;
	size_t      len;
	int         r = sd_bus_message_read_array(message, 'y', &bytes, &len);

	(void)user, (void)error;
	if (r < 0)
		return r;
	return sd_bus_reply_method_return(message, "t", bench_sum(bytes, len));
}

static const sd_bus_vtable table[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD("Call", "ay", "t", on_call, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_VTABLE_END
};

static void serve(struct bench_run *run, unsigned lane)
{
	sd_bus *bus = connect_bus();
	char    name[32];

	(void)run;
	snprintf(name, sizeof name, "bench.Server%u", lane);
	must(sd_bus_add_object_vtable(bus, NULL, "/bench", "bench.Bench", table, NULL),
	     "vtable");
	must(sd_bus_request_name(bus, name, 0), "name");
	for (;;) {
		int r = sd_bus_process(bus, NULL);

		if (r < 0)
			return;
		if (r == 0)
			sd_bus_wait(bus, UINT64_MAX);
	}
}

static uint64_t call(struct bench_run *run, unsigned lane, const void *bytes, size_t len)
{
	sd_bus_message *message = NULL, *answer = NULL;
	char            name[32];
	uint64_t        sum;

	(void)run;
	snprintf(name, sizeof name, "bench.Server%u", lane);
	must(sd_bus_message_new_method_call(buses[lane], &message, name, "/bench",
	                                    "bench.Bench", "Call"), "message");
	must(sd_bus_message_append_array(message, 'y', bytes, len), "append");
	must(sd_bus_call(buses[lane], message, 0, NULL, &answer), "call");
	must(sd_bus_message_read(answer, "t", &sum), "answer");
	sd_bus_message_unref(message);
	sd_bus_message_unref(answer);
	return sum;
}

static void await_name(sd_bus *bus, unsigned lane)
{
	uint64_t until = bench_now() + 10000000000u;
	char     name[32];

	snprintf(name, sizeof name, "bench.Server%u", lane);
	while (sd_bus_get_name_creds(bus, name, 0, NULL) < 0) {
		if (bench_now() > until)
			bench_fail("dbus: the server did not come up");
		usleep(5000);
	}
}

static void join(struct bench_run *run)
{
	for (unsigned i = 0; i < run->lanes; i++) {
		buses[i] = connect_bus();
		await_name(buses[i], i);
	}
}

static void end(struct bench_run *run)
{
	char path[96];

	(void)run;
	bench_broker_stop(broker);
	snprintf(path, sizeof path, "%s/bus.conf", bench_dir());
	unlink(path);
	snprintf(path, sizeof path, "%s/bus", bench_dir());
	unlink(path);
}

int main(int argc, char **argv)
{
	static const struct bench_transport list[] = {
		{ .name = "dbus", .make = make, .serve = serve, .join = join,
		  .call = call, .end = end },
		{ 0 },
	};

	return bench_main(argc, argv, list);
}

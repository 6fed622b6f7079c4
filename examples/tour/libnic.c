/* libnic - the device inside the process that uses it: how the packet path runs without
 * Rhodes.  Under Rhodes the shadow library libnic.so stands in its place. */
#include "nic_device.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>

/* The driver defines the events; a process without a driver has nobody to tell. */
#pragma weak nic_frame
#pragma weak nic_ready

static struct nic_device *device;
static pthread_once_t     once = PTHREAD_ONCE_INIT;

static void on_frame(void *user, const void *frame, uint32_t len)
{
	(void)user;
	if (nic_frame)
		nic_frame(frame, len);
}

static void on_ready(void *user)
{
	(void)user;
	if (nic_ready)
		nic_ready();
}

static void *pump(void *unused)
{
	static const struct nic_upcalls upcalls = { .frame = on_frame, .ready = on_ready };

	while (nic_device_pump(device, &upcalls) == 0)
		;
	return unused;
}

static void open_device(void)
{
	char why[NIC_WHY_BYTES];
	pthread_t thread;

	device = nic_device_open(why);
	if (!device)
		fprintf(stderr, "libnic: %s\n", why);
	else if (pthread_create(&thread, NULL, pump, NULL) == 0)
		pthread_detach(thread);
}

static struct nic_device *opened(void)
{
	pthread_once(&once, open_device);
	if (!device)
		errno = ENODEV;
	return device;
}

int nic_info(struct nic_info *info)
{
	if (!opened())
		return -1;
	nic_device_info(device, info);
	return 0;
}

int nic_start(uint32_t rx_slots)
{
	return opened() ? nic_device_start(device, rx_slots) : -1;
}

int nic_rx_post(uint32_t count)
{
	return opened() ? nic_device_post(device, count) : -1;
}

int nic_xmit(const void *frame, uint32_t len)
{
	return opened() ? nic_device_xmit(device, frame, len) : -1;
}

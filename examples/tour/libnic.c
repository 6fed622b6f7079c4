/* libnic - one network device as a library; the first call opens it. */
#include "nic_device.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>

static struct nic_device *device;
static pthread_once_t     once = PTHREAD_ONCE_INIT;

static void open_device(void)
{
	char why[NIC_WHY_BYTES];

	device = nic_device_open(why);
	if (!device)
		fprintf(stderr, "libnic: %s\n", why);
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

int nic_clean(void *frames, uint32_t room, uint32_t budget)
{
	return opened() ? nic_device_clean(device, frames, room, budget) : -1;
}

int nic_interrupts(int is_on)
{
	return opened() ? nic_device_interrupts(device, is_on) : -1;
}

int nic_next_event(struct nic_event *event)
{
	return opened() ? nic_device_next(device, event) : -1;
}

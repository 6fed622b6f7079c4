#include "nic_device.h"

#include "credit.h"
#include "nic_open.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct nic_device {
	int             fd;
	char            name[32];
	uint32_t        window;
	pthread_mutex_t lock; /* of credit and is_waiting */
	struct credit   credit;
	bool            is_waiting; /* somebody was told NIC_BUSY */
};

static const uint8_t own_mac[6]     = { 0x02, 'R', 'H', 0, 0, 1 };
static const uint8_t partner_mac[6] = { 0x02, 'R', 'H', 0, 0, 2 };

static uint32_t new_epoch(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint32_t)now.tv_nsec ^ (uint32_t)now.tv_sec << 10 ^ (uint32_t)getpid();
}

static void tell(struct nic_device *device)
{
	uint8_t frame[CREDIT_FRAME_BYTES];

	credit_write(&device->credit, partner_mac, own_mac, frame);
	/* One that cannot be sent now is made up for by the next: limits add up. */
	ssize_t done = write(device->fd, frame, sizeof frame);
	(void)done;
}

struct nic_device *nic_device_open(char why[NIC_WHY_BYTES])
{
	struct nic_device *device = calloc(1, sizeof *device);

	if (!device)
		return NULL;
	device->fd = nic_open(device->name, &device->window, why);
	if (device->fd < 0) {
		free(device);
		return NULL;
	}
	pthread_mutex_init(&device->lock, NULL);
	credit_init(&device->credit, new_epoch(), 0, device->window);
	tell(device);
	return device;
}

void nic_device_close(struct nic_device *device)
{
	if (!device)
		return;
	close(device->fd);
	pthread_mutex_destroy(&device->lock);
	free(device);
}

void nic_device_info(const struct nic_device *device, struct nic_info *info)
{
	*info = (struct nic_info){ .frame_max = NIC_FRAME_MAX };
	memcpy(info->mac, own_mac, sizeof own_mac);
	memcpy(info->partner_mac, partner_mac, sizeof partner_mac);
	memcpy(info->device, device->name, sizeof info->device);
}

/* What was granted before cannot be taken back; so the link starts afresh, and the
 * partner forgets it. */
int nic_device_start(struct nic_device *device, uint32_t rx_slots)
{
	pthread_mutex_lock(&device->lock);
	credit_init(&device->credit, device->credit.epoch + 1, rx_slots, device->window);
	tell(device);
	pthread_mutex_unlock(&device->lock);
	return 0;
}

int nic_device_post(struct nic_device *device, uint32_t count)
{
	pthread_mutex_lock(&device->lock);
	credit_post(&device->credit, count);
	if (credit_is_due(&device->credit))
		tell(device);
	pthread_mutex_unlock(&device->lock);
	return 0;
}

int nic_device_xmit(struct nic_device *device, const void *frame, uint32_t len)
{
	int result = NIC_OK;

	if (len < NIC_FRAME_MIN || len > NIC_FRAME_MAX) {
		errno = EMSGSIZE;
		return -1;
	}
	pthread_mutex_lock(&device->lock);
	if (!credit_take(&device->credit)) {
		device->is_waiting = true;
		result = NIC_BUSY;
	} else if (write(device->fd, frame, len) != (ssize_t)len) {
		credit_untake(&device->credit);
		result = -1;
	}
	pthread_mutex_unlock(&device->lock);
	return result;
}

static bool is_ours(const uint8_t *frame, size_t len)
{
	return len >= NIC_FRAME_MIN && memcmp(frame, own_mac, sizeof own_mac) == 0;
}

/* Returns whether the driver is to be told that there is room. */
static bool on_control(struct nic_device *device, const uint8_t *frame, size_t len)
{
	bool is_ready = false;

	pthread_mutex_lock(&device->lock);
	int actions = credit_read(&device->credit, frame, len);
	if (actions & CREDIT_ANSWER)
		tell(device);
	if (actions & CREDIT_MORE && device->is_waiting) {
		device->is_waiting = false;
		is_ready = true;
	}
	pthread_mutex_unlock(&device->lock);
	return is_ready;
}

/* A frame without a slot is one that the partner had no credit for: not ours to keep. */
static bool on_data(struct nic_device *device)
{
	pthread_mutex_lock(&device->lock);
	bool has_slot = credit_receive(&device->credit);
	if (credit_is_due(&device->credit))
		tell(device);
	pthread_mutex_unlock(&device->lock);
	return has_slot;
}

/* Turns what was read into an event; false when it is nobody's business. */
static bool take_in(struct nic_device *device, struct nic_event *event)
{
	if (!is_ours(event->frame, event->len))
		return false;
	if (credit_is_control(event->frame, event->len)) {
		event->kind = NIC_READY;
		return on_control(device, event->frame, event->len);
	}
	event->kind = NIC_FRAME;
	return on_data(device);
}

int nic_device_next(struct nic_device *device, struct nic_event *event)
{
	for (;;) {
		ssize_t len = read(device->fd, event->frame, sizeof event->frame);

		if (len < 0 && errno != EINTR && errno != EAGAIN)
			return -1;
		event->len = len < 0 ? 0 : (uint32_t)len;
		if (take_in(device, event))
			return 0;
	}
}

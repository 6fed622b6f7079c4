#include "nic_device.h"

#include "credit.h"
#include "nic_open.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct frame {
	uint32_t len;
	uint8_t  data[NIC_FRAME_MAX];
};

struct nic_device {
	int             fd;
	char            name[32];
	uint32_t        window;
	pthread_mutex_t lock; /* of what follows */
	struct credit   credit;
	bool            is_waiting;   /* somebody was told NIC_BUSY         */
	bool            may_interrupt;
	uint64_t        head, tail;   /* of the ring: [tail, head)          */
	struct frame    ring[NIC_RING];
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
	if (rx_slots > NIC_RING) {
		errno = EINVAL;
		return -1;
	}
	pthread_mutex_lock(&device->lock);
	credit_init(&device->credit, device->credit.epoch + 1, rx_slots, device->window);
	device->tail = device->head;
	device->may_interrupt = true;
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
static void put_into_ring(struct nic_device *device, const struct frame *frame)
{
	pthread_mutex_lock(&device->lock);
	if (credit_receive(&device->credit) && device->head - device->tail < NIC_RING)
		device->ring[device->head++ % NIC_RING] = *frame;
	if (credit_is_due(&device->credit))
		tell(device);
	pthread_mutex_unlock(&device->lock);
}

int nic_device_clean(struct nic_device *device, void *frames, uint32_t room,
                     uint32_t budget)
{
	uint8_t *at = frames;

	pthread_mutex_lock(&device->lock);
	while (budget-- > 0 && device->tail < device->head) {
		const struct frame *frame = &device->ring[device->tail % NIC_RING];
		struct nic_header   header = { .len = frame->len };

		if (room < sizeof header + frame->len)
			break;
		memcpy(at, &header, sizeof header);
		memcpy(at + sizeof header, frame->data, frame->len);
		at += sizeof header + frame->len;
		room -= (uint32_t)sizeof header + frame->len;
		device->tail++;
	}
	pthread_mutex_unlock(&device->lock);
	return (int)(at - (uint8_t *)frames);
}

int nic_device_interrupts(struct nic_device *device, int is_on)
{
	pthread_mutex_lock(&device->lock);
	bool has_frames = device->tail < device->head;

	device->may_interrupt = is_on && !has_frames;
	pthread_mutex_unlock(&device->lock);
	return is_on && has_frames;
}

/* One interrupt, then none until they are allowed again. */
static bool interrupts(struct nic_device *device)
{
	pthread_mutex_lock(&device->lock);
	bool does = device->may_interrupt && device->tail < device->head;

	if (does)
		device->may_interrupt = false;
	pthread_mutex_unlock(&device->lock);
	return does;
}

/* What was read; true: the driver is to be told that there is room. */
static bool take_in(struct nic_device *device, const struct frame *frame)
{
	if (!is_ours(frame->data, frame->len))
		return false;
	if (credit_is_control(frame->data, frame->len))
		return on_control(device, frame->data, frame->len);
	put_into_ring(device, frame);
	return false;
}

/* What direct memory access is to a network card: frames go into the ring while the
 * driver does something else. */
int nic_device_next(struct nic_device *device, struct nic_event *event)
{
	struct frame frame;

	for (;;) {
		ssize_t len = read(device->fd, frame.data, sizeof frame.data);

		if (len < 0 && errno != EINTR && errno != EAGAIN)
			return -1;
		frame.len = len < 0 ? 0 : (uint32_t)len;
		event->kind = take_in(device, &frame) ? NIC_READY : NIC_FRAMES;
		if (event->kind == NIC_READY || interrupts(device))
			return 0;
	}
}

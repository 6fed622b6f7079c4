/* nic_open - enters the network namespace and opens the device in it. */
#ifndef TOUR_NIC_OPEN_H
#define TOUR_NIC_OPEN_H

#include "nic_device.h"

/* A descriptor from which one read takes one frame and to which one write sends one.
 * Writes the device's name ("tap rhtap"), how many frames the kernel queues for it and,
 * on failure, why.  -1 on failure. */
int nic_open(char name[32], uint32_t *ret_window, char why[NIC_WHY_BYTES]);

#endif

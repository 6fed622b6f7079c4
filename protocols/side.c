#include "side.h"

#include <string.h>
#include <unistd.h>

void rh_side_init(struct rh_side *side, struct rh_side_line lines[2], int which,
                  int bells[2])
{
	struct rh_side_line *mine = &lines[which];
	struct rh_side_line *theirs = &lines[!which];

	*side = (struct rh_side){
		.mine = mine,
		.theirs = theirs,
		.asleep = { .word = &mine->asleep },
		.hungry = { .word = &mine->hungry },
		.data = { .word = &theirs->asleep, .fd = bells[!which] },
		.room = { .word = &theirs->hungry, .fd = bells[!which] },
		.bell = bells[which],
		.their_bell = bells[!which],
	};
	bells[0] = bells[1] = -1;
}

void rh_side_wake(struct rh_side *side)
{
	int slept = rh_nap_end(&side->asleep);

	slept |= rh_nap_end(&side->hungry);
	if (slept)
		rh_doorbell_take(side->bell);
}

int rh_side_is_alone(const struct rh_side *side)
{
	/* P6 */
	return atomic_load_explicit(&side->theirs->closed, memory_order_acquire) != 0;
}

int rh_side_submitted(struct rh_side *side, int r, uint32_t len)
{
	if (r == RH_OK) {
		side->submitted++;
	} else if (r == RH_EAGAIN) {
		side->full++;
		side->wanted = len;
	} else if (r == RH_EPROTO) {
		side->is_broken = 1;
	}
	return r;
}

int rh_side_polled(struct rh_side *side, int r)
{
	if (r > 0)
		side->polled++;
	else if (r == RH_EPROTO)
		side->is_broken = 1;
	return r;
}

void rh_side_describe(const struct rh_side *side, struct rh_description *ret)
{
	memset(ret, 0, sizeof *ret);
	ret->submitted = side->submitted;
	ret->polled = side->polled;
	ret->full = side->full;
}

void rh_side_close(struct rh_side *side)
{
	/* P6 */
	atomic_store_explicit(&side->mine->closed, 1, memory_order_release);
	rh_doorbell_push(side->their_bell);
	close(side->bell);
	close(side->their_bell);
	side->bell = side->their_bell = -1;
}

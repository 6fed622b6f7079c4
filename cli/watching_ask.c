#include "watching_own.h"

#include "problem.h"

#include "../base/clock.h"
#include "../base/diag.h"

enum rh_next rh_watching_await(struct rh_watching *watching, int timeout_ms)
{
	struct pollfd watched[] = {
		{ .fd = watching->stop, .events = POLLIN },
		{ .fd = fileno(watching->cli->out) }, /* its other end closes */
	};

	rh_stream_wait(watching->stream, watched, 2, timeout_ms);
	if (watched[0].revents || watched[1].revents & (POLLERR | POLLHUP))
		return RH_NEXT_STOP;
	return RH_NEXT_GO_ON;
}

enum rh_next rh_watching_pause(struct rh_watching *watching)
{
	struct pollfd watched[] = {
		{ .fd = watching->stop, .events = POLLIN },
		{ .fd = fileno(watching->cli->out) },
	};

	poll(watched, 2, watching->wait_ms);
	watching->wait_ms = watching->wait_ms * 2 < RH_WATCHING_MOST_MS
	                    ? watching->wait_ms * 2 : RH_WATCHING_MOST_MS;
	return watched[0].revents || watched[1].revents & (POLLERR | POLLHUP)
	     ? RH_NEXT_STOP : RH_NEXT_GO_ON;
}

enum rh_next rh_watching_judge_refusal(struct rh_watching *watching)
{
	long              status = rh_stream_status(watching->stream);
	json_t           *json = rh_stream_json(watching->stream);
	struct rh_problem problem;
	enum rh_next      next = RH_NEXT_FAIL;

	rh_problem_read(&problem, status, json);
	if (status == RH_STATUS_GONE) {
		watching->must_reset = true;
		rh_watching_note(watching, problem.detail);
		next = RH_NEXT_AGAIN;
	} else if (status >= 500) {
		snprintf(watching->why, sizeof watching->why, "%s", problem.detail);
		next = RH_NEXT_RESUME;
	} else {
		rh_problem_print(&problem, watching->cli->err, "rhodes watch", NULL);
	}
	json_decref(json);
	return next;
}

enum rh_next rh_watching_judge_error(const struct rh_watching *watching, int error)
{
	if (error == RH_OK || error == RH_EDOWN)
		return RH_NEXT_RESUME;
	rh_cli_fail(watching->cli, RH_EXIT_REFUSED, "reading from the center: %s",
	            rh_error_text(error));
	return RH_NEXT_FAIL;
}

bool rh_watching_is_silent(uint64_t since_ns)
{
	return rh_clock_ns() - since_ns >= RH_WATCHING_SILENCE_MS * RH_NS_PER_MS;
}

enum rh_next rh_watching_get(struct rh_watching *watching, const char *path,
                             json_t **ret_json)
{
	uint64_t     begun_ns = rh_clock_ns();
	enum rh_next next = RH_NEXT_GO_ON;
	int          error = RH_OK;

	if (rh_stream_begin(watching->stream, path) < 0)
		return RH_NEXT_RESUME;
	while (next == RH_NEXT_GO_ON && !rh_stream_is_over(watching->stream, &error)) {
		if (rh_watching_is_silent(begun_ns))
			return RH_NEXT_RESUME;
		next = rh_watching_await(watching, RH_WATCHING_SILENCE_MS);
	}
	if (next != RH_NEXT_GO_ON)
		return next;
	if (error != RH_OK)
		return rh_watching_judge_error(watching, error);
	if (rh_stream_status(watching->stream) >= 400)
		return rh_watching_judge_refusal(watching);
	*ret_json = rh_stream_json(watching->stream);
	return *ret_json ? RH_NEXT_GO_ON : RH_NEXT_RESUME;
}

#include "request.h"

#include "../../model/error.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *rh_request_query(const struct rh_request *request, const char *key)
{
	for (unsigned i = 0; i < request->query_count; i++) {
		if (strcmp(request->query[i].key, key) == 0)
			return request->query[i].value;
	}
	return NULL;
}

/* Digits only: strtoull would take signs and blanks. */
static int parse_number(const char *text, size_t len, uint64_t *ret_number)
{
	uint64_t number = 0;

	if (len == 0 || len > 19)
		return RH_EINVAL;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return RH_EINVAL;
		number = number * 10 + (uint64_t)(text[i] - '0');
	}
	*ret_number = number;
	return RH_OK;
}

int rh_request_number(const struct rh_request *request, const char *key,
                      uint64_t max, uint64_t *ret_number,
                      struct rh_problem *problem)
{
	const char *text = rh_request_query(request, key);
	uint64_t    number;

	if (!text)
		return RH_OK;
	if (parse_number(text, strlen(text), &number) != RH_OK || number == 0 ||
	    number > max)
		return rh_problem_set(problem, RH_EINVAL,
			"the parameter %s=%.64s is not a number from 1 to %llu", key, text,
			(unsigned long long)max);
	*ret_number = number;
	return RH_OK;
}

int rh_request_flag(const struct rh_request *request, const char *key,
                    int *ret_flag, struct rh_problem *problem)
{
	const char *text = rh_request_query(request, key);

	int         is_true = text && (strcmp(text, "true") == 0 ||
	                               strcmp(text, "1") == 0);

	if (text && !is_true && strcmp(text, "false") != 0 && strcmp(text, "0") != 0)
		return rh_problem_set(problem, RH_EINVAL,
			"the parameter %s=%.64s is neither true nor false", key, text);
	*ret_flag = is_true;
	return RH_OK;
}

int rh_request_etag(const char *header, uint64_t *ret_revision)
{
	size_t len = strlen(header);

	if (len < 3 || header[0] != '"' || header[len - 1] != '"')
		return RH_EINVAL;
	return parse_number(header + 1, len - 2, ret_revision);
}

/* "bytes=from-", "bytes=from-last" or "bytes=-count"; another unit, or several parts,
 * may be answered with everything. */
int rh_request_range(const char *header, size_t len, size_t *ret_from,
                     size_t *ret_count)
{
	static const char unit[] = "bytes=";
	uint64_t          from = 0, last = 0;

	*ret_from = 0;
	*ret_count = len;
	if (strncmp(header, unit, sizeof unit - 1) != 0)
		return 0;
	header += sizeof unit - 1;
	size_t first = strcspn(header, "-"), second = strlen(header) - first;
	int has_first = parse_number(header, first, &from) == RH_OK;
	int has_last = second > 1 && parse_number(header + first + 1, second - 1,
	                                          &last) == RH_OK;
	if ((!has_first && (first > 0 || !has_last)) || (second != 1 && !has_last) ||
	    (has_first && has_last && last < from))
		return 0;
	if (!has_first) {
		from = last < len ? len - last : 0;
		has_last = 0;
		if (last == 0)
			return RH_EINVAL;
	}
	if (from >= len)
		return RH_EINVAL;
	*ret_from = from;
	*ret_count = has_last && last < len ? last - from + 1 : len - from;
	return 1;
}

void rh_reply_fini(struct rh_reply *reply)
{
	free(reply->body);
	*reply = (struct rh_reply){ 0 };
}

static void set(struct rh_reply *reply, int status, const char *content_type,
                char *body, size_t len)
{
	rh_reply_fini(reply);
	reply->status = body ? status : 507;
	reply->body = body;
	reply->body_bytes = body ? len : 0;
	reply->content_type = content_type;
}

/* The text with a newline at its end; steals json. */
static char *dump(json_t *json, size_t *ret_len)
{
	char  *text = json ? json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(12)) : NULL;
	size_t len = text ? strlen(text) : 0;
	char  *line = text ? realloc(text, len + 2) : NULL;

	json_decref(json);
	if (!line) {
		free(text);
		return NULL;
	}
	memcpy(line + len, "\n", 2);
	*ret_len = len + 1;
	return line;
}

void rh_reply_json(struct rh_reply *reply, int status, json_t *json)
{
	size_t len = 0;
	char  *text = dump(json, &len);

	set(reply, status, "application/json", text, len);
}

void rh_reply_problem(struct rh_reply *reply, const struct rh_problem *problem)
{
	size_t len = 0;
	char  *text = dump(rh_problem_json(problem), &len);

	set(reply, rh_problem_status(problem), "application/problem+json", text, len);
}

void rh_reply_bytes(struct rh_reply *reply, int status, const char *content_type,
                    const void *bytes, size_t len)
{
	char *copy = malloc(len + 1);

	if (copy)
		memcpy(copy, bytes, len);
	set(reply, status, content_type, copy, len);
}

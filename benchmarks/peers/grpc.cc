// grpc - unary synchronous calls over a Unix socket; a channel (connection) per
// caller thread, the server's own threads behind it.
#include "../harness/machine.h"

#include "call.grpc.pb.h"

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>
#include <unistd.h>

namespace {

std::string address;
std::unique_ptr<bench::Bench::Stub> stubs[BENCH_LANES_MAX];

class Server final : public bench::Bench::Service {
	grpc::Status Call(grpc::ServerContext *, const bench::Request *request,
	                  bench::Reply *reply) override {
		const std::string &bytes = request->payload();

		reply->set_sum(bench_sum(bytes.data(), bytes.size()));
		return grpc::Status::OK;
	}
};

void make(bench_run *) {
	address = std::string("unix:") + bench_dir() + "/grpc.sock";
}

void serve(bench_run *, unsigned lane) {
	if (lane > 0) // one server for all lanes: it starts its own threads
		pause();
	Server service;
	grpc::ServerBuilder builder;
	builder.AddListeningPort(address, grpc::InsecureServerCredentials());
	builder.RegisterService(&service);
	builder.SetMaxReceiveMessageSize(-1);
	auto server = builder.BuildAndStart();
	if (!server)
		bench_fail("grpc: cannot listen on %s", address.c_str());
	server->Wait();
}

void join(bench_run *run) {
	for (unsigned i = 0; i < run->lanes; i++) {
		grpc::ChannelArguments arguments;
		arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
		arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 50);
		arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 50);
		auto channel = grpc::CreateCustomChannel(
			address, grpc::InsecureChannelCredentials(), arguments);
		if (!channel->WaitForConnected(gpr_time_add(
			    gpr_now(GPR_CLOCK_REALTIME),
			    gpr_time_from_seconds(10, GPR_TIMESPAN))))
			bench_fail("grpc: no connection");
		stubs[i] = bench::Bench::NewStub(channel);
	}
}

uint64_t call(bench_run *, unsigned lane, const void *bytes, size_t len) {
	grpc::ClientContext context;
	bench::Request request;
	bench::Reply reply;

	request.set_payload(bytes, len);
	grpc::Status status = stubs[lane]->Call(&context, request, &reply);
	if (!status.ok())
		bench_fail("grpc: %s", status.error_message().c_str());
	return reply.sum();
}

void end(bench_run *) {
	unlink((std::string(bench_dir()) + "/grpc.sock").c_str());
}

} // namespace

int main(int argc, char **argv) {
	const bench_transport list[] = {
		{ "grpc", 0, 0, make, serve, join, call, end },
		{ nullptr, 0, 0, nullptr, nullptr, nullptr, nullptr, nullptr },
	};

	return bench_main(argc, argv, list);
}

// @NAME@ - moves the arguments of a call through the circuit of @NAME@.v and says what
// it says; yosys makes @NAME@_rtl.h of the circuit.
#include <rhodes/hook/filter.h>

#include "@NAME@_rtl.h"

RH_RULE(filter);

static cxxrtl_design::p_rule circuit;

static void clock_once()
{
	circuit.p_clk.set<bool>(false);
	circuit.step();
	circuit.p_clk.set<bool>(true);
	circuit.step();
}

int32_t rh_filter_before()
{
	circuit.p_first.set<bool>(true);
	circuit.p_valid.set<bool>(false);
	clock_once();
	circuit.p_first.set<bool>(false);
	circuit.p_valid.set<bool>(true);
	for (uint32_t i = 0; i < rh_filter.visible && i < sizeof rh_filter.bytes; i++) {
		circuit.p_data.set<uint8_t>(rh_filter.bytes[i]);
		clock_once();
	}
	/* What the last edge changed comes out at the next step. */
	circuit.p_clk.set<bool>(false);
	circuit.step();
	return circuit.p_drop.get<bool>() ? RH_FILTER_DENY : RH_FILTER_ALLOW;
}

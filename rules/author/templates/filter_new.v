// @NAME@ - a filter in Verilog: the arguments of a call come a byte a clock, as a packet
// does from a wire.  `first` is up for one clock before the first byte of each.
module rule(input clk, input first, input valid, input [7:0] data, output drop);
  reg [15:0] count;
  reg        is_udp;

  // Of an IPv4 packet, byte 9 is its protocol; 17 is UDP.
  always @(posedge clk) begin
    if (first) begin
      count  <= 0;
      is_udp <= 0;
    end else if (valid) begin
      count <= count + 1;
      if (count == 9 && data == 17)
        is_udp <= 1;
    end
  end

  assign drop = is_udp;
endmodule

package kinds;

import org.junit.Test;
import rhodes.Library;

public class OutTest extends KindsCase {
    record Division(int quotient, int rest) { }

    @Test
    public void outs() throws Exception {
        equal(new Object[] {3, 2}, call("divide", 17, 5));
        equal(new Division(3, 2), call(typed("divide", Division.class, int.class, int.class),
                17, 5));
        int[] quotient = new int[1], rest = new int[1];
        call(typed("divide", void.class, int.class, int.class, int[].class, int[].class), 17, 5,
                quotient, rest);
        equal(3, quotient[0]);
        equal(2, rest[0]);
        equal(new Object[] {4, 5}, call("count", 4));
        int[] counter = {4};
        equal(4, call(typed("count", int.class, int[].class), (Object) counter));
        equal(5, counter[0]);
        byte[] id = new byte[16], out = new byte[16];
        id[0] = 9;
        equal((byte) 9, ((byte[]) call("id", id))[15]);
        call(typed("id", void.class, byte[].class, byte[].class), id, out);
        equal((byte) 9, out[15]);
        equal(-1, call("fail", 71));
        equal(71, Library.errno());
    }
}

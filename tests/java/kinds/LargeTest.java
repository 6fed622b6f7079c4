package kinds;

import static org.junit.Assert.assertThrows;

import java.nio.ByteBuffer;
import java.util.Arrays;
import org.junit.Test;
import rhodes.RhodesError;

public class LargeTest extends KindsCase {
    /** As large as a payload may be, and what is over. */
    @Test
    public void large() throws Exception {
        int most = 64 << 20;
        byte[] large = new byte[most];
        Arrays.fill(large, (byte) 2);
        equal(2L * most, call("sum", large));
        large = null;
        ByteBuffer direct = ByteBuffer.allocateDirect(most);
        equal(0L, call(typed("sum", long.class, ByteBuffer.class), direct));
        equal((long) most - 1, ((Object[]) call("read", (long) most))[0]);
        equal(90, assertThrows(RhodesError.class, () -> call("sum", new byte[(64 << 20) + 1])).code());
    }
}

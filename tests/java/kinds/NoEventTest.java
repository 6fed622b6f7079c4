package kinds;

import static org.junit.Assert.assertThrows;

import org.junit.Test;
import rhodes.RhodesError;

/** With RHODES_TIMEOUT_MS, as nobody rings. */
public class NoEventTest extends KindsCase {
    @Test
    public void noEvent() throws Exception {
        RhodesError none = assertThrows(RhodesError.class, () -> call("rung"));
        equal(RhodesError.class, none.getClass());
        equal(11, none.code());
        equal("no event kinds_rung came", none.getMessage());
        equal(false, none.ran());
    }
}

package kinds;

import org.junit.Test;

/** Of a service in Java whose event throws. */
public class LastEventTest extends KindsCase {
    /** A server in Java throws in the place of the next one. */
    @Test
    public void lastEvent() throws Exception {
        call("ring", -13L, 1);
        equal(13, call("i32", 13));
    }
}

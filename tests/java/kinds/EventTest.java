package kinds;

import org.junit.Test;
import rhodes.Struct;

public class EventTest extends KindsCase {
    /** Whoever asks for the next one has all of them, in order. */
    @Test
    public void events() throws Exception {
        call("ring", 7L, 3);
        short first = 0;
        for (int i = 0; i < 3; i++) {
            Object[] event = (Object[]) call("rung"); // waits
            short number = ((Number) ((Struct) event[2]).get("x")).shortValue();
            first = i == 0 ? number : first;
            equal(new Object[] {0, 7L, first + i}, new Object[] {event[0], event[1], (int) number});
            equal(-1, ((Number) ((Struct) event[2]).get("y")).intValue());
        }
    }
}

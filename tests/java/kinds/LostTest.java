package kinds;

import static org.junit.Assert.assertThrows;

import org.junit.Test;
import rhodes.Handle;
import rhodes.RhodesLostError;

public class LostTest extends KindsCase {
    @Test
    public void dies() throws Exception {
        Handle pot = (Handle) call("pot", 1);
        RhodesLostError lost = assertThrows(RhodesLostError.class, () -> call("die"));
        equal(1002, lost.code());
        equal(true, lost.ran());
        while (true) { // until it has been started again
            try {
                equal(5, call("i32", 5));
                break;
            } catch (RhodesLostError e) {
                equal(false, e.getMessage().isEmpty());
            }
        }
        assertThrows(RhodesLostError.class, () -> call("potGet", pot));
        pot.close();
    }
}

package kinds;

import static org.junit.Assert.assertThrows;

import java.lang.invoke.MethodHandle;
import org.junit.Test;
import rhodes.Handle;
import rhodes.RhodesError;

public class HandleTest extends KindsCase {
    @Test
    public void handles() throws Exception {
        equal(0, call("pots"));
        Handle pot = (Handle) call("pot", 5);
        equal(5, call("potGet", pot));
        Handle other = (Handle) ((Object[]) call("potPour", pot))[1];
        equal(2, call("pots"));
        call("potClose", pot);
        equal(true, pot.isClosed());
        equal(1007, assertThrows(RhodesError.class, () -> call("potGet", pot)).code());
        pot.close();
        other.close();
        equal(0, call("pots"));
        MethodHandle raw = typed("pot", long.class, int.class);
        long number = (long) call(raw, 6);
        equal(6, call(typed("potGet", int.class, long.class), number));
        equal(1007, assertThrows(RhodesError.class,
                () -> call(typed("potGet", int.class, long.class), 12345L)).code());
        call(typed("potClose", void.class, long.class), number);
        equal(0, call("pots"));
    }

    /** What nobody has any more is destroyed in the callee. */
    @Test
    public void collected() throws Exception {
        for (int i = 0; i < 1000; i++)
            call("pot", i);
        while ((int) call("pots") > 0) // the collector says when
            System.gc();
        equal(0, call("pots"));
    }
}

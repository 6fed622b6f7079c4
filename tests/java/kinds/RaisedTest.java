package kinds;

import static org.junit.Assert.assertThrows;

import org.junit.Test;
import rhodes.RhodesRaisedError;

/** Of a service in Java. */
public class RaisedTest extends KindsCase {
    /** Of a callee in Java: what it throws comes with its stack. */
    @Test
    public void raised() throws Exception {
        RhodesRaisedError raised = assertThrows(RhodesRaisedError.class, () -> call("i32", -13));
        equal("java", raised.language());
        equal("java.lang.IllegalStateException", raised.type());
        equal("thirteen \u00fc", raised.getMessage());
        equal(true, raised.stack().contains("at KindsServer.i32(KindsServer.java:"));
        equal(1019, raised.code());
        equal(13, call("i32", 13));
        RhodesRaisedError divided = assertThrows(RhodesRaisedError.class, () -> call("divide", 1, 0));
        equal("java.lang.ArithmeticException", divided.type());
    }
}

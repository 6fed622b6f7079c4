import rhodes.Library;
import rhodes.RhodesRaisedError;

/** What the callee raised, in one line. */
public final class RaisesCaller {
    public static void main(String[] args) throws Throwable {
        try {
            Library.open(args[0]).function("raises_error").invokeWithArguments("four");
        } catch (RhodesRaisedError e) {
            System.out.printf("%s|%s|%s|%d%n", e.language(), e.type(), e.getMessage(),
                    e.stack().isEmpty() ? 0 : 1);
        }
    }
}

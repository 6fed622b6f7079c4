import java.io.PrintWriter;
import java.io.StringWriter;
import rhodes.Library;
import rhodes.RhodesRaisedError;

/** What the callee raised, in one line, and whether its stack is shown by who shows mine. */
public final class RaisesCaller {
    public static void main(String[] args) throws Throwable {
        try {
            Library.open(args[0]).function("raises_error").invokeWithArguments("four");
        } catch (RhodesRaisedError e) {
            StringWriter shown = new StringWriter();
            e.printStackTrace(new PrintWriter(shown, true));
            System.out.printf("%s|%s|%s|%d%n", e.language(), e.type(), e.getMessage(),
                    !e.stack().isEmpty() && shown.toString().contains(e.stack().strip()) ? 1 : 0);
        }
    }
}

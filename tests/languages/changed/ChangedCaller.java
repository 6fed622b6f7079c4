import java.lang.invoke.MethodHandle;
import rhodes.Library;
import rhodes.RhodesInterfaceError;

/** Calls functions that become others meanwhile: prints what it is told, a call a line. */
public final class ChangedCaller {
    private static void told(MethodHandle call, Object... values) throws Throwable {
        try {
            call.invokeWithArguments(values);
        } catch (RhodesInterfaceError e) {
            System.out.println(e.getMessage().replace('\n', '|'));
        }
    }

    public static void main(String[] args) throws Throwable {
        Library sums = Library.open("sums");
        MethodHandle same = sums.function("sums_same"), add = sums.function("sums_add");
        MethodHandle gone = sums.function("sums_gone");

        System.out.println(same.invokeWithArguments(1));
        System.in.read();
        told(add, 1, 2);
        told(add, 1, 2);
        told(gone, 1);
        System.out.println(same.invokeWithArguments(3));
    }
}

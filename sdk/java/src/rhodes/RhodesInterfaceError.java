package rhodes;

/** The interface of the callee is not the one that the program was written for. */
public class RhodesInterfaceError extends RhodesError {
    private static final long serialVersionUID = 1;

    RhodesInterfaceError(int code, boolean ran, String message) {
        super(code, ran, message);
    }
}

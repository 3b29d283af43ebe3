"""外部登记: what other registers say of a firm: company register, tax, social insurance, credit.

``model`` says what they answer, ``rules`` what is doubtful in it, ``connector`` asks them, ``world`` plays them where
none is connected, ``records`` keeps each answer. Nobody is asked again for what they told.
"""
